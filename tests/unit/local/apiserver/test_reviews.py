"""Reviews, as ``kubectl auth can-i`` and controllers ask for them."""

import pytest

REVIEWS = "/apis/authorization.k8s.io/v1"
PODS = {"verb": "list", "resource": "pods", "namespace": "default"}


@pytest.fixture
async def jane(api):
    """May list pods in the namespace default; the headers to be her."""
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    await api.ok("POST", f"{rbac}/roles", {"metadata": {"name": "r"}, "rules": rules})
    binding = {
        "metadata": {"name": "b"},
        "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"kind": "Role", "name": "r"},
    }
    await api.ok("POST", f"{rbac}/rolebindings", binding)
    return {"Impersonate-User": "jane"}


async def asked(api, kind, spec, **more):
    return (await api.ok("POST", f"{REVIEWS}/{kind}", {"spec": spec}, **more))["status"]


async def test_may_i_and_may_they_are_answered_by_the_roles(api, jane):
    yes = {
        "allowed": True,
        "reason": 'RBAC: allowed by RoleBinding "b/default" of Role "r" to User "jane"',
    }
    no = {"allowed": False}
    delete = PODS | {"verb": "delete"}
    for attributes, expected in ((PODS, yes), (delete, no), (PODS | {"namespace": ""}, no)):
        spec = {"resourceAttributes": attributes}
        assert await asked(api, "selfsubjectaccessreviews", spec, headers=jane) == expected
        assert await asked(api, "subjectaccessreviews", spec | {"user": "jane"}) == expected
    local = f"{REVIEWS}/namespaces/default/localsubjectaccessreviews"
    spec = {"user": "jane", "resourceAttributes": PODS}
    assert (await api.ok("POST", local, {"spec": spec}))["status"] == yes
    spec = {"nonResourceAttributes": {"verb": "get", "path": "/apis/x"}}
    assert (await asked(api, "selfsubjectaccessreviews", spec, headers=jane))["allowed"] is True
    assert (await asked(api, "selfsubjectaccessreviews", {"resourceAttributes": delete}))["allowed"] is True


async def test_my_rules_are_those_that_hold_in_the_namespace(api, jane):
    status = await asked(api, "selfsubjectrulesreviews", {"namespace": "default"}, headers=jane)
    mine = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}
    assert mine in status["resourceRules"]
    assert all("nonResourceURLs" in rule for rule in status["nonResourceRules"])
    elsewhere = await asked(api, "selfsubjectrulesreviews", {"namespace": "kube-system"}, headers=jane)
    assert mine not in elsewhere["resourceRules"]


@pytest.mark.parametrize(
    ("kind", "spec", "code", "message"),
    [
        ("selfsubjectrulesreviews", {}, 400, "no namespace on request"),
        (
            "selfsubjectaccessreviews",
            {},
            422,
            '.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: "null": exactly '
            "one of nonResourceAttributes or resourceAttributes must be specified",
        ),
        (
            "subjectaccessreviews",
            {"resourceAttributes": PODS},
            422,
            '.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or '
            "group must be specified",
        ),
        (
            "namespaces/work/localsubjectaccessreviews",
            {"user": "jane", "resourceAttributes": PODS},
            400,
            "spec.resourceAttributes.namespace must match namespace: work",
        ),
    ],
)
async def test_a_review_that_asks_for_nothing_is_refused(api, kind, spec, code, message):
    status, answer = await api.ask("POST", f"{REVIEWS}/{kind}", {"spec": spec})
    assert (status, answer["message"]) == (code, message)


async def test_asking_for_others_is_a_right_of_its_own(api, jane):
    spec = {"user": "root", "resourceAttributes": PODS}
    assert (await api.ask("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": spec}, headers=jane))[0] == 403
