"""HTTP: which paths there are, which forms of bodies and answers."""

import pytest

from mlplane.local.apiserver import app
from mlplane.local.apiserver.paths import Target, parse

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
    body = {"metadata": {"name": "c"}, "data": {"a": "x" * (2 * 2**20)}}
    assert (await api.ask("POST", CONFIG_MAPS, body))[0] == 201
    body["data"]["a"] = "x" * app.BODY_LIMIT
    status, answer = await api.ask("POST", CONFIG_MAPS, body)
    assert (status, answer["reason"]) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/apis/coordination.k8s.io/v1/nothing", 404),
        ("GET", "/api/v2", 404),
        ("GET", "/api/v1/gadgets", 404),
        ("GET", "/api/v1/configmaps/c", 404),
        ("POST", "/api/v1/configmaps", 405),
        ("DELETE", "/api/v1/configmaps", 405),
        ("DELETE", "/api/v1/namespaces", 405),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("GET", "/api/v1/namespaces/default/finalize", 405),
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
    empty = await api.ok("GET", f"{widgets}?labelSelector=none", headers=accept)
    assert empty["items"] is None
    answer = await api.ok("GET", widgets, headers=accept)
    assert answer["kind"] == "PartialObjectMetadataList"
    assert [set(item) for item in answer["items"]] == [{"kind", "apiVersion", "metadata"}]


async def test_lists_of_every_kind_name_their_kind(api, widgets):
    assert (await api.ok("GET", widgets))["kind"] == "WidgetList"
    assert (await api.ok("GET", "/api/v1/pods"))["kind"] == "PodList"


@pytest.mark.parametrize(
    ("method", "path", "code", "message"),
    [
        ("PUT", "widgets", 400, "name must be provided"),
        ("DELETE", "widgets/a/status", 405, 'delete is not supported on resources of kind "W"'),
        ("OPTIONS", "widgets", 405, ' is not supported on resources of kind "W"'),
        ("GET", "widgets/a/nothing", 404, 'W "a" not found'),
    ],
)
async def test_paths_of_custom_resources_have_refusals_of_their_own(api, method, path, code, message):
    status, answer = await api.ask(
        method, f"/apis/shop.example.com/v1/namespaces/default/{path}", {} if method == "PUT" else None
    )
    message = message.replace("W", "widgets.shop.example.com")
    assert (status, answer["message"]) == (code, message)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/apis/none.example.com"),
        ("GET", "/apis/none.example.com/v1"),
        ("GET", "/apis/shop.example.com/v1/gizmos"),
        ("GET", "/apis/shop.example.com/v1/widgets/a"),
        ("POST", "/apis/shop.example.com/v1/widgets"),
        ("DELETE", "/apis/shop.example.com/v1/widgets"),
    ],
)
async def test_paths_that_no_definition_makes_are_no_pages(api, method, path):
    """Nothing is deleted in all namespaces at once, above all."""
    body = {} if method == "POST" else None
    assert await api.ask(method, path, body) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("accept", "path", "message"),
    [
        ("text/html", "", "only the following media types are accepted: application/json, "),
        ("application/vnd.kubernetes.protobuf", "/a", "only the following media types are accepted: "),
        ("application/json;as=Table;v=v9;g=meta.k8s.io", "", "only the following media types "),
        (
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "",
            "you requested PartialObjectMetadata, but the requested object is a list",
        ),
    ],
)
async def test_a_form_that_is_not_there_is_not_acceptable(api, widgets, widget, accept, path, message):
    await api.ok("POST", widgets, widget("a"))
    status, answer = await api.ask("GET", widgets + path, headers={"Accept": accept})
    assert (status, answer["reason"]) == (406, "NotAcceptable")
    assert message in answer["message"]


async def test_rows_of_a_table_carry_what_is_asked_for(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    kinds = {}
    for include in ("None", "Metadata", "Object", ""):
        answer = await api.ok("GET", f"{widgets}?includeObject={include}", headers=accept)
        kinds[include] = (answer["rows"][0]["object"] or {}).get("kind")
    wanted = {"None": None, "Metadata": "PartialObjectMetadata", "Object": "Widget"}
    assert kinds == wanted | {"": "PartialObjectMetadata"}
    status, answer = await api.ask("GET", f"{widgets}?includeObject=All", headers=accept)
    assert (status, answer["reason"]) == (400, "BadRequest")


async def test_a_head_has_no_body(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    async with api.session.head(f"{widgets}/a") as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(
    ("more", "warning"),
    [
        ({}, "shop.example.com/v1beta1 Gadget is deprecated; use shop.example.com/v1 Gadget"),
        ({"deprecationWarning": "do not"}, "do not"),
    ],
)
@pytest.mark.parametrize("query", ["", "?watch=1&timeoutSeconds=1"])
async def test_a_deprecated_version_warns_whoever_uses_it(api, make_definition, more, warning, query):
    made = make_definition("gadgets", "Gadget")
    stored = made["spec"]["versions"][0]
    old = stored | {"name": "v1beta1", "storage": False, "deprecated": True} | more
    made["spec"]["versions"] = [stored, old]
    await api.ok("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", made)
    for version, told in {"v1beta1": f'299 - "{warning}"', "v1": None}.items():
        async with api.session.get(f"/apis/shop.example.com/{version}/gadgets{query}") as response:
            assert response.headers.get("Warning") == told


async def test_an_object_is_not_read_from_the_future(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    assert (await api.ask("GET", f"{widgets}/a?resourceVersion=1"))[0] == 200
    assert (await api.ask("GET", f"{widgets}/a?resourceVersion=99999"))[0] == 504
    status, answer = await api.ask("GET", f"{widgets}/a?resourceVersion=x")
    assert (status, "reason" in answer) == (500, False)


async def test_items_of_lists_of_built_in_kinds_do_not_name_their_kind(api, widgets, widget):
    await api.ok("POST", CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k": "v"}})
    await api.ok("POST", CONFIG_MAPS, {"kind": "ConfigMap", "metadata": {"name": "b"}, "apiVersion": "v1"})
    found = (await api.ok("GET", CONFIG_MAPS))["items"]
    assert [sorted(item) for item in found] == [["data", "metadata"], ["metadata"]]
    await api.ok("POST", widgets, widget("a"))
    (item,) = (await api.ok("GET", widgets))["items"]
    assert item["kind"] == "Widget"


async def test_a_lease_is_created_by_an_update_too(api):
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me", "leaseDurationSeconds": 15}}
    status, made = await api.ask("PUT", path, lease)
    assert (status, made["spec"]["holderIdentity"]) == (201, "me")
    status, answer = await api.ask("PUT", path, lease)
    assert (status, answer["reason"]) == (422, "Invalid")  # now it needs the version that it replaces
    made["spec"]["leaseDurationSeconds"] = 0
    status, answer = await api.ask("PUT", path, made)
    assert answer["details"]["causes"][0]["message"] == "Invalid value: 0: must be greater than 0"
    widget_path = "/apis/shop.example.com/v1/namespaces/default/widgets/none"
    body = {"apiVersion": "shop.example.com/v1", "kind": "Widget", "metadata": {"name": "none"}}
    body["metadata"]["resourceVersion"] = "1"
    assert (await api.ask("PUT", widget_path, body))[0] == 404
