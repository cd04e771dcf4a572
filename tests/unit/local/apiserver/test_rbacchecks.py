"""What is refused in roles and bindings; the messages are those of a real server, word for word."""

import pytest

RBAC = "/apis/rbac.authorization.k8s.io/v1"
ROLES = f"{RBAC}/namespaces/default/roles"
BINDINGS = f"{RBAC}/namespaces/default/rolebindings"
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
MAKER = {
    "apiGroups": ["rbac.authorization.k8s.io"],
    "resources": ["roles", "rolebindings", "clusterroles"],
    "verbs": ["create", "update", "patch", "get"],
}
ACCOUNTS = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["create"]}
JANE = {"Impersonate-User": "jane"}


async def refused(api, path, body, **more):
    status, answer = await api.ask("POST", path, body, **more)
    assert status in (403, 404, 422), answer
    return answer["message"]


async def test_a_rule_needs_verbs_groups_and_resources(api):
    rules = [
        {"verbs": []},
        {"verbs": ["get"], "apiGroups": [""]},
        {"verbs": ["get"], "nonResourceURLs": ["/a"], "resources": ["x"]},
    ]
    assert await refused(api, f"{RBAC}/clusterroles", {"metadata": {"name": "a"}, "rules": rules}) == (
        'ClusterRole.rbac.authorization.k8s.io "a" is invalid: [rules[0].verbs: Required value: verbs must '
        "contain at least one value, rules[0].apiGroups: Required value: resource rules must supply at "
        "least one api group, rules[0].resources: Required value: resource rules must supply at least one "
        "resource, "
        "rules[1].resources: Required value: resource rules must supply at least one resource, "
        'rules[2].nonResourceURLs: Invalid value: []string{"/a"}: rules cannot apply to both regular '
        "resources and non-resource URLs]"
    )
    rules = [{"verbs": ["get"], "nonResourceURLs": ["/a"]}]
    assert await refused(api, ROLES, {"metadata": {"name": "a"}, "rules": rules}) == (
        'Role.rbac.authorization.k8s.io "a" is invalid: rules[0].nonResourceURLs: Invalid value: '
        '[]string{"/a"}: namespaced rules cannot apply to non-resource URLs'
    )


async def test_a_binding_needs_a_role_and_subjects_that_there_are(api):
    subjects = [
        {"kind": "User"},
        {"kind": "Foo", "name": "x"},
        {"kind": "Group", "name": "x", "apiGroup": "z"},
    ]
    body = {"metadata": {"name": "a"}, "subjects": subjects, "roleRef": {"kind": "Foo", "apiGroup": "z"}}
    assert await refused(api, BINDINGS, body) == (
        'RoleBinding.rbac.authorization.k8s.io "a" is invalid: [roleRef.apiGroup: Unsupported value: "z": '
        'supported values: "rbac.authorization.k8s.io", roleRef.kind: Unsupported value: "Foo": supported '
        'values: "Role", "ClusterRole", roleRef.name: Required value, subjects[0].name: Required value, '
        'subjects[1].kind: Unsupported value: "Foo": supported values: "ServiceAccount", "User", "Group", '
        'subjects[2].apiGroup: Unsupported value: "z": supported values: "rbac.authorization.k8s.io"]'
    )
    body = {"metadata": {"name": "a"}, "roleRef": {"kind": "Role", "name": "r"}}
    assert await refused(api, f"{RBAC}/clusterrolebindings", body) == (
        'ClusterRoleBinding.rbac.authorization.k8s.io "a" is invalid: roleRef.kind: Unsupported value: '
        '"Role": supported values: "ClusterRole"'
    )


async def test_a_binding_keeps_its_role(api):
    body = {
        "metadata": {"name": "a"},
        "subjects": [{"kind": "User", "name": "u"}],
        "roleRef": {"kind": "Role", "name": "r"},
    }
    made = await api.ok("POST", BINDINGS, body)
    assert made["roleRef"]["apiGroup"] == made["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io"
    status, answer = await api.ask(
        "PATCH", f"{BINDINGS}/a", {"roleRef": {"name": "other"}}, type="application/merge-patch+json"
    )
    assert (status, answer["message"]) == (
        422,
        'RoleBinding.rbac.authorization.k8s.io "a" is invalid: roleRef: Invalid value: rbac.RoleRef{'
        'APIGroup:"rbac.authorization.k8s.io", Kind:"Role", Name:"other"}: cannot change roleRef',
    )


async def test_names_of_roles_may_have_colons(api):
    await api.ok("POST", ROLES, {"metadata": {"name": "system:A b"}})
    assert "may not contain '%'" in await refused(api, ROLES, {"metadata": {"name": "a%b"}})


@pytest.fixture
async def jane(api):
    """May make roles, bindings and service accounts; knows nothing of pods."""
    role = {"metadata": {"name": "maker"}, "rules": [MAKER, ACCOUNTS]}
    await api.ok("POST", f"{RBAC}/clusterroles", role)
    binding = {
        "metadata": {"name": "maker"},
        "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"kind": "ClusterRole", "name": "maker"},
    }
    await api.ok("POST", f"{RBAC}/clusterrolebindings", binding)
    return JANE


async def test_nobody_makes_a_role_that_gives_more_than_they_have(api, jane):
    rules = [
        {"verbs": ["get", "list"], "resources": ["pods", "pods/log"], "apiGroups": ["", "apps"]},
        {"verbs": ["get"], "resources": ["secrets"], "apiGroups": [""], "resourceNames": ["a"]},
        ACCOUNTS,
    ]
    assert await refused(api, ROLES, {"metadata": {"name": "esc"}, "rules": rules}, headers=jane) == (
        'roles.rbac.authorization.k8s.io "esc" is forbidden: user "jane" (groups=["system:authenticated"]) '
        "is attempting to grant RBAC permissions not currently held:\n"
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}\n'
        '{APIGroups:[""], Resources:["pods/log"], Verbs:["get" "list"]}\n'
        '{APIGroups:[""], Resources:["secrets"], ResourceNames:["a"], Verbs:["get"]}\n'
        '{APIGroups:["apps"], Resources:["pods"], Verbs:["get" "list"]}\n'
        '{APIGroups:["apps"], Resources:["pods/log"], Verbs:["get" "list"]}'
    )
    rules = [{"verbs": ["get"], "nonResourceURLs": ["/a"]}, ACCOUNTS]
    answer = await refused(
        api, f"{RBAC}/clusterroles", {"metadata": {"name": "e"}, "rules": rules}, headers=jane
    )
    assert answer.endswith('not currently held:\n{NonResourceURLs:["/a"], Verbs:["get"]}')
    await api.ok("POST", ROLES, {"metadata": {"name": "own"}, "rules": [ACCOUNTS]}, headers=jane)
    patch = [{"op": "add", "path": "/rules/-", "value": PODS}]
    status, _ = await api.ask(
        "PATCH", f"{ROLES}/own", patch, type="application/json-patch+json", headers=jane
    )
    assert status == 403


async def test_nobody_binds_a_role_that_gives_more_than_they_have(api, jane):
    await api.ok("POST", ROLES, {"metadata": {"name": "big"}, "rules": [PODS]})
    body = {
        "metadata": {"name": "esc"},
        "subjects": [{"kind": "User", "name": "jane"}],
        "roleRef": {"kind": "Role", "name": "big"},
    }
    answer = await refused(api, BINDINGS, body, headers=jane)
    assert answer.endswith('not currently held:\n{APIGroups:[""], Resources:["pods"], Verbs:["get"]}')
    body["roleRef"]["name"] = "nope"
    answer = await refused(api, BINDINGS, body, headers=jane)
    assert answer == 'roles.rbac.authorization.k8s.io "nope" not found'
    bind = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind", "escalate"]}
    await api.merge(f"{RBAC}/clusterroles/maker", {"rules": [MAKER, bind]})
    body["roleRef"]["name"] = "big"
    await api.ok("POST", BINDINGS, body, headers=jane)
    await api.ok("POST", ROLES, {"metadata": {"name": "any"}, "rules": [PODS]}, headers=jane)
