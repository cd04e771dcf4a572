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
            "namespaces/team/localsubjectaccessreviews",
            {"user": "jane", "resourceAttributes": PODS},
            400,
            "spec.resourceAttributes.namespace must match namespace: team",
        ),
    ],
)
async def test_a_review_that_asks_for_nothing_is_refused(api, kind, spec, code, message):
    status, answer = await api.ask("POST", f"{REVIEWS}/{kind}", {"spec": spec})
    assert (status, answer["message"]) == (code, message)


async def test_asking_for_others_is_a_right_of_its_own(api, jane):
    spec = {"user": "root", "resourceAttributes": PODS}
    assert (await api.ask("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": spec}, headers=jane))[0] == 403


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        (
            "SelfSubjectAccessReview",
            {"spec": [1]},
            "array into Go struct field SelfSubjectAccessReview.spec of type v1.SelfSubjectAccessReviewSpec",
        ),
        (
            "SelfSubjectAccessReview",
            {"spec": {"resourceAttributes": {"verb": ["a"]}}},
            "array into Go struct field ResourceAttributes.spec.resourceAttributes.verb of type string",
        ),
        (
            "SubjectAccessReview",
            {"spec": {"user": "a", "groups": [["a"]]}},
            "array into Go struct field SubjectAccessReviewSpec.spec.groups of type string",
        ),
        (
            "SubjectAccessReview",
            {"spec": {"user": "a", "groups": "b"}},
            "string into Go struct field SubjectAccessReviewSpec.spec.groups of type []string",
        ),
        (
            "SubjectAccessReview",
            {"spec": {"user": "a", "extra": {"b": "c"}}},
            "string into Go struct field SubjectAccessReviewSpec.spec.extra of type v1.ExtraValue",
        ),
        (
            "SelfSubjectRulesReview",
            {"spec": {"namespace": 1}},
            "number into Go struct field SelfSubjectRulesReviewSpec.spec.namespace of type string",
        ),
        (
            "SelfSubjectRulesReview",
            {"status": True},
            "bool into Go struct field SelfSubjectRulesReview.status of type v1.SubjectRulesReviewStatus",
        ),
        ("SelfSubjectRulesReview", {"metadata": [1]}, "array into Go value of type v1.ObjectMeta"),
    ],
)
async def test_a_review_of_wrong_types_is_refused(api, kind, body, why):
    status, answer = await api.ask("POST", f"{REVIEWS}/{kind.lower()}s", body)
    message = f'{kind} in version "v1" cannot be handled as a {kind}: json: cannot unmarshal {why}'
    assert (status, answer["message"]) == (400, message)


async def test_nulls_of_a_review_are_as_if_absent_and_what_is_unknown_is_left_out(api, jane):
    spec = {"user": "jane", "groups": [None], "extra": None, "resourceAttributes": {**PODS, "name": None}}
    answer = await api.ok("POST", f"{REVIEWS}/subjectaccessreviews", {"spec": {**spec, "bogus": 1}})
    assert answer["spec"] == {"user": "jane", "groups": [""], "resourceAttributes": PODS}
    assert answer["status"]["allowed"] is True
    for empty in (b"null", b"{}"):
        assert (await api.ask("POST", f"{REVIEWS}/selfsubjectaccessreviews", empty))[0] == 422


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ([1], "array into Go struct field TokenRequest.spec of type v1.TokenRequestSpec"),
        ({"audiences": [1]}, "number into Go struct field TokenRequestSpec.spec.audiences of type string"),
        (
            {"expirationSeconds": 1.5},
            "number 1.5 into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64",
        ),
        (
            {"expirationSeconds": True},
            "bool into Go struct field TokenRequestSpec.spec.expirationSeconds of type int64",
        ),
        (
            {"boundObjectRef": "x"},
            "string into Go struct field TokenRequestSpec.spec.boundObjectRef of type "
            "v1.BoundObjectReference",
        ),
        (
            {"boundObjectRef": {"name": 1}},
            "number into Go struct field BoundObjectReference.spec.boundObjectRef.name of type string",
        ),
    ],
)
async def test_a_token_request_of_wrong_types_is_refused(api, spec, why):
    path = "/api/v1/namespaces/default/serviceaccounts"
    await api.ok("POST", path, {"metadata": {"name": "a"}})
    status, answer = await api.ask("POST", f"{path}/a/token", {"spec": spec})
    message = (
        f'TokenRequest in version "v1" cannot be handled as a TokenRequest: json: cannot unmarshal {why}'
    )
    assert (status, answer["message"]) == (400, message)
    assert (await api.ok("POST", f"{path}/a/token", b"null"))["status"]["token"]
