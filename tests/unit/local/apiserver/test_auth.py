"""Who makes a request: tokens, loopback names, somebody else's name; and what is not answered to them."""

import asyncio
import time

import jwt
import pytest

from mlplane.local.apiserver.tokens import AUDIENCE

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
WHOAMI = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
UNAUTHORIZED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": "Unauthorized",
    "reason": "Unauthorized",
    "code": 401,
}


@pytest.fixture
async def robot(api):
    """The headers of a new service account that may list widgets in the namespace default."""
    await api.ok("POST", ACCOUNTS, {"metadata": {"name": "robot"}})
    rule = {"apiGroups": ["shop.example.com"], "resources": ["widgets"], "verbs": ["list"]}
    await api.ok("POST", f"{RBAC}/clusterroles", {"metadata": {"name": "lister"}, "rules": [rule]})
    binding = {
        "metadata": {"name": "robots"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
        "roleRef": {"kind": "ClusterRole", "name": "lister"},
    }
    await api.ok("POST", f"{RBAC}/namespaces/default/rolebindings", binding)
    return await token_of(api)


async def token_of(api, name="robot", **spec):
    answer = await api.ok("POST", f"{ACCOUNTS}/{name}/token", {"spec": spec})
    return {"Authorization": f"Bearer {answer['status']['token']}"}


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:8080", "127.0.0.1"])
async def test_loopback_names_are_let_in(api, host):
    await api.ok("GET", "/api", headers={"Host": host})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example.com:8080"},
        {"Host": "localhost.evil.example.com"},
        {"Host": "127.0.0.1.evil.example.com:1"},
        {"Origin": "http://127.0.0.1:8080"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/secrets", "/version", "/healthz"])
async def test_a_web_page_gets_nothing_by_a_name_of_its_own_or_by_its_origin(api, headers, path):
    status, answer = await api.ask("GET", path, headers=headers)
    assert (status, answer["reason"]) == (403, "Forbidden")


async def test_a_form_that_a_web_page_posts_changes_nothing(api):
    """The Origin tells it; and without the token, which no page knows, nothing is done anyway."""
    headers = {"Origin": "https://evil.example.com", "Content-Type": "text/plain"}
    assert (await api.ask("POST", ACCOUNTS, {"metadata": {"name": "a"}}, headers=headers))[0] == 403
    del headers["Origin"], api.session.headers["Authorization"]
    assert (await api.ask("POST", ACCOUNTS, {"metadata": {"name": "a"}}, headers=headers))[0] == 401


@pytest.mark.parametrize("sent", ["Bearer wrong", "Bearer a-toke", "Basic a-token", "Bearer", "", "Bearer é"])
async def test_who_has_no_good_token_is_told_no_more(api, sent):
    assert await api.ask("GET", "/api", headers={"Authorization": sent}) == (401, UNAUTHORIZED)


async def test_a_token_that_is_no_text_is_a_wrong_one(api):
    url = api.session._base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        b"GET /api HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    )
    writer.write(head)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] == b"401"


async def test_an_account_may_do_what_its_roles_say(api, robot, widgets):
    assert (await api.ok("GET", widgets, headers=robot))["items"] == []
    status, answer = await api.ask("GET", "/apis/shop.example.com/v1/widgets", headers=robot)
    user = "system:serviceaccount:default:robot"
    assert (status, answer["details"]) == (403, {"group": "shop.example.com", "kind": "widgets"})
    assert answer["message"] == (
        f'widgets.shop.example.com is forbidden: User "{user}" cannot list resource "widgets" in API group '
        '"shop.example.com" at the cluster scope'
    )
    _, answer = await api.ask("GET", "/api/v1/namespaces/default/pods/p/log", headers=robot)
    assert answer["details"] == {"name": "p", "kind": "pods"}
    assert answer["message"] == (
        f'pods "p" is forbidden: User "{user}" cannot get resource "pods/log" in API group "" '
        'in the namespace "default"'
    )
    _, answer = await api.ask("GET", "/metrics", headers=robot)
    assert answer["message"] == f'forbidden: User "{user}" cannot get path "/metrics"'
    await api.ok("GET", "/apis", headers=robot)


async def test_an_apply_patch_creates_only_for_whom_may_create(api, robot, widget, widgets):
    rule = {"apiGroups": ["shop.example.com"], "resources": ["widgets"], "verbs": ["patch"]}
    await api.merge(f"{RBAC}/clusterroles/lister", {"rules": [rule]})
    apply = {"type": "application/apply-patch+yaml", "headers": robot, "params": {"fieldManager": "m"}}
    status, answer = await api.ask("PATCH", f"{widgets}/a", widget("a"), **apply)
    assert (status, answer["message"]) == (403, 'widgets.shop.example.com "a" is forbidden: ')
    await api.ok("POST", widgets, widget("a"))
    await api.ok("PATCH", f"{widgets}/a", widget("a"), **apply)
    await api.merge(f"{RBAC}/clusterroles/lister", {"rules": [rule | {"verbs": ["patch", "create"]}]})
    await api.ok("PATCH", f"{widgets}/b", widget("b"), **apply)


async def test_a_binding_that_goes_takes_the_right_with_it(api, robot, widgets):
    await api.ok("DELETE", f"{RBAC}/namespaces/default/rolebindings/robots")
    assert (await api.ask("GET", widgets, headers=robot))[0] == 403


async def test_a_token_dies_with_its_account(api, robot, widgets):
    await api.ok("GET", widgets, headers=robot)
    await api.ok("DELETE", f"{ACCOUNTS}/robot")
    assert await api.ask("GET", widgets, headers=robot) == (401, UNAUTHORIZED)
    await api.ok("POST", ACCOUNTS, {"metadata": {"name": "robot"}})
    assert await api.ask("GET", widgets, headers=robot) == (401, UNAUTHORIZED)
    await api.ok("GET", widgets, headers=await token_of(api))


async def test_a_token_dies_with_the_object_that_it_is_bound_to(api, robot):
    secrets = "/api/v1/namespaces/default/secrets"
    secret = await api.ok("POST", secrets, {"metadata": {"name": "s"}})
    reference = {"apiVersion": "v1", "kind": "Secret", "name": "s"}
    bound = await token_of(api, boundObjectRef=reference)
    await api.ok("GET", "/api", headers=bound)
    spec = {"boundObjectRef": reference | {"uid": "another"}}
    assert (await api.ask("POST", f"{ACCOUNTS}/robot/token", {"spec": spec}))[0] == 409
    await token_of(api, boundObjectRef=reference | {"uid": secret["metadata"]["uid"]})
    await api.ok("DELETE", f"{secrets}/s")
    assert (await api.ask("GET", "/api", headers=bound))[0] == 401
    assert (await api.ask("POST", f"{ACCOUNTS}/robot/token", {"spec": {"boundObjectRef": reference}}))[
        0
    ] == 404


async def test_a_token_tells_whose_it_is_and_for_how_long(api, robot):
    answer = await api.ok("POST", f"{ACCOUNTS}/robot/token", {"spec": {"expirationSeconds": 7200}})
    assert answer["spec"] == {"audiences": [AUDIENCE], "expirationSeconds": 7200}
    claims = jwt.decode(answer["status"]["token"], options={"verify_signature": False})
    account = await api.ok("GET", f"{ACCOUNTS}/robot")
    assert claims["sub"] == "system:serviceaccount:default:robot"
    assert claims["kubernetes.io"] == {
        "namespace": "default",
        "serviceaccount": {"name": "robot", "uid": account["metadata"]["uid"]},
    }
    assert claims["exp"] - claims["iat"] == 7200
    assert abs(claims["iat"] - time.time()) < 60
    me = (await api.ok("POST", WHOAMI, {}, headers=robot))["status"]["userInfo"]
    assert me["username"] == "system:serviceaccount:default:robot"
    assert me["uid"] == account["metadata"]["uid"]
    assert me["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]


@pytest.mark.parametrize(
    ("name", "spec", "code", "message"),
    [
        ("nobody", {}, 404, 'serviceaccounts "nobody" not found'),
        (
            "robot",
            {"expirationSeconds": 60},
            422,
            'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: '
            "may not specify a duration less than 10 minutes",
        ),
        (
            "robot",
            {"boundObjectRef": {"apiVersion": "v1", "kind": "Service", "name": "x"}},
            400,
            "cannot bind token to object of type /v1, Kind=Service",
        ),
    ],
)
async def test_a_token_is_refused_with_the_real_servers_words(api, robot, name, spec, code, message):
    status, answer = await api.ask("POST", f"{ACCOUNTS}/{name}/token", {"spec": spec})
    assert (status, answer["message"]) == (code, message)


async def test_a_token_for_somebody_else_is_not_taken(api, robot):
    headers = await token_of(api, audiences=["vault"])
    assert (await api.ask("GET", "/api", headers=headers))[0] == 401


async def test_only_a_post_gets_a_token(api, robot):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        body = {} if method != "GET" else None
        assert (await api.ask(method, f"{ACCOUNTS}/robot/token", body))[0] == 405


async def test_tokens_outlive_the_server_and_are_good_at_no_other(api, robot, tmp_path):
    from mlplane.local.apiserver.server import open_server

    token = robot["Authorization"].removeprefix("Bearer ")
    key = api.folder / "tokens.key"
    assert key.stat().st_mode & 0o777 == 0o600
    again = open_server(api.folder / "state.db", api.folder / "pods")
    assert again.tokens.user_of(token).name == "system:serviceaccount:default:robot"
    again.store.close()
    other = tmp_path / "other"
    other.mkdir()
    (other / "state.db").write_bytes((api.folder / "state.db").read_bytes())
    stranger = open_server(other / "state.db", other / "pods")
    assert stranger.tokens.user_of(token) is None
    stranger.store.close()


async def test_the_admin_can_be_anybody(api, widgets):
    headers = {"Impersonate-User": "jane", "Impersonate-Group": "team"}
    me = (await api.ok("POST", WHOAMI, {}, headers=headers))["status"]["userInfo"]
    assert me == {"username": "jane", "groups": ["team", "system:authenticated"]}
    status, answer = await api.ask("GET", widgets, headers=headers)
    assert status == 403
    assert 'User "jane" cannot list resource "widgets"' in answer["message"]
    as_account = {"Impersonate-User": "system:serviceaccount:team:bot"}
    me = (await api.ok("POST", WHOAMI, {}, headers=as_account))["status"]["userInfo"]
    assert me["groups"] == ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"]


async def test_nobody_else_can_be_somebody_else(api, robot, widgets):
    for user in ("mlplane", "system:serviceaccount:default:other"):
        status, answer = await api.ask("GET", widgets, headers={**robot, "Impersonate-User": user})
        assert status == 403
        assert "cannot impersonate resource" in answer["message"]
    headers = {"Impersonate-Group": "system:masters"}
    assert (await api.ask("GET", widgets, headers={**robot, **headers}))[0] == 400


async def test_tokens_are_in_no_log_and_no_answer(api, robot, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    token = robot["Authorization"].removeprefix("Bearer ")
    answers = [await api.ask("GET", path, headers=robot) for path in ("/metrics", "/api/v1/secrets")]
    answers.append(await api.ask("GET", "/api", headers={"Authorization": robot["Authorization"] + "x"}))
    assert token not in str(answers) + caplog.text
    assert token not in repr(api.server.tokens)
    assert token.encode() not in (api.folder / "state.db").read_bytes()
