"""Which answers are worth another try, and what becomes of strange ones."""

from collections import Counter

import pytest
from aiohttp import web

from mlplane.api.refs import Query, Ref
from mlplane.errors import Terminal, Transient

REF = Ref("v1", "ConfigMap", "team", "a")
BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "team"}}


def status(code, message="said the server", **headers):
    body = {"kind": "Status", "code": code, "reason": "Some", "message": message}
    return web.json_response(body, status=code, headers=headers)


@pytest.mark.parametrize(
    ("code", "family"),
    [
        *((code, Transient) for code in (401, 408, 409, 410, 429, 500, 502, 503, 504)),
        *((code, Terminal) for code in (400, 403, 405, 413, 415, 422)),
    ],
)
async def test_an_answer_belongs_to_one_family_and_keeps_the_servers_words(scripted, code, family):
    async def handler(_request):
        return status(code)

    async with scripted(handler) as cluster:
        with pytest.raises(
            family, match=f"apply ConfigMap/a: the API server answered {code}: said the server"
        ):
            await cluster.apply(BODY, manager="test")


async def test_an_unknown_field_that_a_kube_apiserver_reports_as_its_own_fault_is_terminal(scripted):
    async def handler(_request):
        return status(500, "failed to create typed patch object (/a; v1): .x: field not declared in schema")

    async with scripted(handler) as cluster:
        with pytest.raises(Terminal, match="field not declared"):
            await cluster.apply(BODY, manager="test")


@pytest.mark.parametrize("code", [429, 503])
async def test_a_server_that_says_when_to_come_back_is_obeyed(scripted, code):
    seen = Counter()

    async def handler(_request):
        seen["requests"] += 1
        return status(code, **{"Retry-After": "0.01"}) if seen["requests"] < 3 else web.json_response(BODY)

    async with scripted(handler) as cluster:
        assert await cluster.get(REF) == BODY
    assert seen["requests"] == 3


async def test_a_server_that_says_so_for_ever_is_given_up(scripted):
    seen = Counter()

    async def handler(_request):
        seen["requests"] += 1
        return status(429, **{"Retry-After": "0.01"})

    async with scripted(handler) as cluster:
        with pytest.raises(Transient):
            await cluster.get(REF)
    assert seen["requests"] == 4


@pytest.mark.parametrize(
    ("response", "family"),
    [
        (lambda: web.Response(text="<html>", status=200), Transient),
        (lambda: web.Response(text="<html>", status=502), Transient),
        (lambda: web.Response(text="[1]", status=200), Transient),
        (lambda: web.Response(text="no", status=403), Terminal),
        (lambda: web.Response(status=302, headers={"Location": "http://elsewhere"}), Transient),
    ],
    ids=["a page", "a gateway's page", "a list", "plain text", "a redirection"],
)
async def test_what_is_no_api_answer_is_an_error_of_ours(scripted, response, family):
    async def handler(_request):
        return response()

    async with scripted(handler) as cluster:
        with pytest.raises(family):
            await cluster.get(REF)


async def test_the_token_goes_to_the_server_and_nowhere_else(scripted):
    async def handler(request):
        assert request.headers["Authorization"] == "Bearer a-secret-token"
        return status(401)

    async with scripted(handler) as cluster:
        with pytest.raises(Transient) as caught:
            await cluster.get(REF)
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(cluster._transport.access)


async def test_a_list_is_read_page_by_page(scripted):
    pages = {None: (["a", "b"], "2"), "2": (["c"], "3"), "3": (["d"], "")}

    async def handler(request):
        names, following = pages[request.query.get("continue")]
        items = [{"metadata": {"name": name}} for name in names]
        return web.json_response(
            {"metadata": {"resourceVersion": "9", "continue": following}, "items": items}
        )

    async with scripted(handler) as cluster:
        found = await cluster.list(Query("v1", "ConfigMap", labels=(("a", "b"),)))
    assert [body["metadata"]["name"] for body in found] == ["a", "b", "c", "d"]
    assert {(body["apiVersion"], body["kind"]) for body in found} == {("v1", "ConfigMap")}


async def test_names_cannot_leave_their_place_in_the_path(scripted):
    paths = []

    async def handler(request):
        paths.append(request.raw_path)
        return status(404)

    async with scripted(handler) as cluster:
        await cluster.get(Ref("v1", "ConfigMap", "team", "../../secrets/x?y"))
    assert paths == ["/api/v1/namespaces/team/configmaps/..%2F..%2Fsecrets%2Fx%3Fy"]


async def test_a_namespaced_object_without_a_namespace_is_refused(scripted):
    async with scripted(None) as cluster:
        with pytest.raises(Terminal, match=r"metadata\.namespace is missing"):
            await cluster.get(Ref("v1", "ConfigMap", "", "a"))
