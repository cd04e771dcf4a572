"""HTTP: who may, which paths there are, which forms of bodies and answers."""

import pytest

from mlplane.local.apiserver import app, auth
from mlplane.local.apiserver.paths import Target, parse
from mlplane.local.apiserver.statuses import ApiError

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/v1/pods", Target("", "v1", "pods")),
        ("/api/v1/namespaces/a/pods/b/log", Target("", "v1", "pods", "a", "b", "log")),
        ("/api/v1/namespaces/a/", Target("", "v1", "namespaces", "", "a")),
        ("/api/v1/namespaces/a/status", Target("", "v1", "namespaces", "", "a", "status")),
        ("/api/v1/namespaces/a/statuses", Target("", "v1", "statuses", "a")),
        ("/apis/g.io/v2/things/x", Target("g.io", "v2", "things", "", "x")),
        ("/apis/g.io/v2/namespaces/a/things/x/status", Target("g.io", "v2", "things", "a", "x", "status")),
        ("/apis/g.io/v2/things/x/status/more", None),
        ("/metrics", None),
    ],
)
def test_paths_are_read_as_the_real_server_reads_them(path, target):
    assert parse(path) == target


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:8080", "127.0.0.1"])
def test_loopback_names_are_let_in(host):
    auth.check("/api", {"Host": host, "Authorization": "Bearer secret"}, "secret")


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Host": "evil.example.com:8080"}, 403),
        ({"Host": "localhost.evil.example.com"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "http://127.0.0.1:8080"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer secre"}, 401),
        ({"Authorization": "Basic secret"}, 401),
        ({"Authorization": ""}, 401),
    ],
)
def test_others_are_not(headers, code):
    sent = {"Host": "127.0.0.1:1", "Authorization": "Bearer secret"} | headers
    with pytest.raises(ApiError) as refused:
        auth.check("/api", sent, "secret")
    assert refused.value.code == code
    assert "secret" not in refused.value.message


async def test_health_and_version_need_no_token(api):
    api.session.headers.popall("Authorization")
    for path in ("/healthz", "/livez", "/readyz"):
        assert await api.ok("GET", path) == "ok"
    assert (await api.ok("GET", "/version/"))["minor"] == "37"
    assert (await api.ask("GET", "/api"))[0] == 401
    assert (await api.ask("GET", "/api/v1/secrets"))[0] == 401


async def test_yaml_is_read_and_written(api):
    body = b"metadata:\n  name: c\n  annotations: {when: '2001-01-01'}\ndata: {a: '1'}\n"
    await api.ok("POST", CONFIG_MAPS, body, type="application/yaml")
    text = await api.ok("GET", f"{CONFIG_MAPS}/c", headers={"Accept": "application/yaml"})
    assert "data:\n  a: '1'\n" in text


@pytest.mark.parametrize(
    ("kind", "body", "code"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/yaml", b"a: [", 400),
        ("application/yaml", b"a: !!python/object/apply:os.getpid []", 400),
        ("text/html", b"<p>", 415),
        ("application/vnd.kubernetes.protobuf", b"nonsense", 400),
    ],
)
async def test_unreadable_bodies_are_refused(api, kind, body, code):
    status, answer = await api.ask("POST", CONFIG_MAPS, body, type=kind)
    assert (status, answer["kind"]) == (code, "Status")


async def test_a_large_body_is_taken_and_a_huge_one_refused(api, monkeypatch):
    body = {"metadata": {"name": "c"}, "data": {"a": "x" * (4 * 2**20)}}
    assert (await api.ask("POST", CONFIG_MAPS, body))[0] == 201
    body["data"]["a"] = "x" * app.BODY_LIMIT
    status, answer = await api.ask("POST", CONFIG_MAPS, body)
    assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/apis/none.example.com", 404),
        ("GET", "/apis/none.example.com/v1", 404),
        ("GET", "/api/v2", 404),
        ("GET", "/api/v1/gadgets", 404),
        ("GET", "/api/v1/configmaps/c", 404),
        ("POST", "/api/v1/configmaps", 404),
        ("POST", f"{CONFIG_MAPS}/c", 405),
        ("PUT", CONFIG_MAPS, 405),
        ("GET", f"{CONFIG_MAPS}/c/status", 404),
        ("DELETE", "/api/v1/namespaces/default/status", 405),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405),
        ("OPTIONS", CONFIG_MAPS, 405),
        ("GET", "/openapi/v3/apis/none.example.com/v1", 404),
    ],
)
async def test_what_is_not_there_is_answered_with_a_status(api, method, path, code):
    status, answer = await api.ask(method, path, {} if method in ("POST", "PUT") else None)
    assert (status, answer["kind"], answer["code"]) == (code, "Status", code)


async def test_an_unforeseen_failure_is_a_status_and_is_logged(api, monkeypatch, caplog):
    monkeypatch.setattr(api.server.lists, "page", lambda *_: 1 / 0)
    status, answer = await api.ask("GET", CONFIG_MAPS)
    assert (status, answer["reason"]) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text


async def test_metadata_alone_is_shown_on_request(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"}
    answer = await api.ok("GET", widgets, headers=accept)
    assert answer["kind"] == "PartialObjectMetadataList"
    assert [set(item) for item in answer["items"]] == [{"kind", "apiVersion", "metadata"}]


async def test_pages_show_the_state_of_the_first_one(api):
    for name in "abcde":
        await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": name}})
    first = await api.ok("GET", f"{CONFIG_MAPS}?limit=2")
    await api.ok("DELETE", f"{CONFIG_MAPS}/d")
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "bb"}})
    assert first["metadata"]["remainingItemCount"] == 3
    pages = [first]
    while token := pages[-1]["metadata"].get("continue"):
        pages.append(await api.ok("GET", CONFIG_MAPS, params={"limit": "2", "continue": token}))
    names = [item["metadata"]["name"] for page in pages for item in page["items"]]
    assert names == ["a", "b", "c", "d", "e"]
    assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1


async def test_a_token_that_is_not_known_is_expired(api):
    status, answer = await api.ask("GET", CONFIG_MAPS, params={"limit": "2", "continue": "lost.2"})
    assert (status, answer["reason"]) == (410, "Expired")


async def test_a_list_of_the_future_is_not_given(api):
    assert (await api.ask("GET", f"{CONFIG_MAPS}?resourceVersion=99999"))[0] == 504
    assert (await api.ask("GET", f"{CONFIG_MAPS}?resourceVersion=1&resourceVersionMatch=Exact"))[0] == 410
    assert (await api.ask("GET", f"{CONFIG_MAPS}?limit=many"))[0] == 400


async def test_lists_of_every_kind_name_their_kind(api, widgets):
    assert (await api.ok("GET", widgets))["kind"] == "WidgetList"
    assert (await api.ok("GET", "/api/v1/pods"))["kind"] == "PodList"
