"""What roles and bindings add up to."""

import pytest

from mlplane.local.apiserver.rbac import GROUP, Policy
from mlplane.local.apiserver.rbacdefaults import defaults
from mlplane.local.apiserver.users import Attributes, User, account, attributes

JANE = User("jane", ("team", "system:authenticated"))
BOT = account("work", "bot")


def role(*rules, namespace="", name="r"):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"kind": "Role" if namespace else "ClusterRole", "metadata": metadata, "rules": list(rules)}


def rule(group="", resource="pods", verbs=("get",), **more):
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **more}


def binding(*subjects, namespace="", kind="ClusterRole", name="r"):
    metadata = {"name": "b"} | ({"namespace": namespace} if namespace else {})
    reference = {"apiGroup": GROUP, "kind": kind, "name": name}
    return {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "subjects": list(subjects),
        "roleRef": reference,
    }


def subject(kind, name, **more):
    return {"kind": kind, "name": name, **more}


def may(rules, asked, user=JANE):
    return Policy([role(*rules)], [binding(subject("User", user.name))]).decide(user, asked).allowed


def get(resource="pods", group="", sub="", name="", namespace="work", verb="get"):
    return Attributes(verb, group, resource, sub, name, namespace)


@pytest.mark.parametrize(
    ("rules", "asked", "allowed"),
    [
        ([rule()], get(), True),
        ([rule()], get(verb="list"), False),
        ([rule(verbs=["*"])], get(verb="deletecollection"), True),
        ([rule()], get("secrets"), False),
        ([rule()], get(group="apps"), False),
        ([rule(group="*")], get(group="apps"), True),
        ([rule(resource="*")], get("secrets", sub="x"), True),
        ([rule()], get(sub="log"), False),
        ([rule(resource="pods/log")], get(sub="log"), True),
        ([rule(resource="pods/log")], get(), False),
        ([rule(resource="*/log")], get(sub="log"), True),
        ([rule(resource="pods/*")], get(sub="log"), False),
        ([rule(resourceNames=["a"])], get(name="a"), True),
        ([rule(resourceNames=["a"])], get(name="b"), False),
        ([rule(resourceNames=["a"])], get(), False),
        ([rule(resource="nodes"), rule()], get(), True),
        ([{"nonResourceURLs": ["/a/*"], "verbs": ["get"]}], Attributes("get", path="/a/b/c"), True),
        ([{"nonResourceURLs": ["/a/*"], "verbs": ["get"]}], Attributes("get", path="/a"), False),
        ([{"nonResourceURLs": ["*"], "verbs": ["get"]}], Attributes("get", path="/x"), True),
        ([{"nonResourceURLs": ["/a"], "verbs": ["get"]}], Attributes("post", path="/a"), False),
        ([{"nonResourceURLs": ["*"], "verbs": ["*"]}], get(), False),
        ([rule(group="*", resource="*", verbs=["*"])], Attributes("get", path="/metrics"), False),
    ],
)
def test_a_rule_allows_what_it_names(rules, asked, allowed):
    assert may(rules, asked) is allowed


@pytest.mark.parametrize(
    ("who", "user", "allowed"),
    [
        (subject("User", "jane"), JANE, True),
        (subject("User", "team"), JANE, False),
        (subject("Group", "team"), JANE, True),
        (subject("Group", "jane"), JANE, False),
        (subject("ServiceAccount", "bot", namespace="work"), BOT, True),
        (subject("ServiceAccount", "bot", namespace="play"), BOT, False),
        (subject("ServiceAccount", "bot"), BOT, False),
        (subject("User", "system:serviceaccount:work:bot"), BOT, True),
        (subject("Group", "system:serviceaccounts:work"), BOT, True),
        (subject("Group", "system:serviceaccounts"), BOT, True),
    ],
)
def test_a_binding_is_for_its_subjects(who, user, allowed):
    assert Policy([role(rule())], [binding(who)]).decide(user, get()).allowed is allowed


def test_a_binding_in_a_namespace_holds_there_alone():
    policy = Policy([role(rule())], [binding(subject("User", "jane"), namespace="work")])
    assert policy.decide(JANE, get()).allowed
    assert not policy.decide(JANE, get(namespace="play")).allowed
    assert not policy.decide(JANE, get(namespace="")).allowed


def test_a_role_of_another_namespace_is_not_followed():
    bound = binding(subject("User", "jane"), namespace="work", kind="Role")
    decision = Policy([role(rule(), namespace="play")], [bound]).decide(JANE, get())
    assert not decision.allowed
    assert decision.reason == 'role.rbac.authorization.k8s.io "r" not found'
    assert Policy([role(rule(), namespace="work")], [bound]).decide(JANE, get()).allowed


def test_a_decision_names_its_binding_as_the_real_server_does():
    policy = Policy([role(rule())], [binding(subject("ServiceAccount", "bot"), namespace="work")])
    assert policy.decide(BOT, get()).reason == (
        'RBAC: allowed by RoleBinding "b/work" of ClusterRole "r" to ServiceAccount "bot/work"'
    )


def test_masters_may_do_everything_and_others_discover():
    policy = Policy(
        [body for body in defaults() if "rules" in body], [body for body in defaults() if "roleRef" in body]
    )
    assert policy.decide(User("root", ("system:masters",)), get("secrets", verb="delete")).allowed
    assert policy.decide(JANE, Attributes("get", path="/apis/mlplane.dev/v1alpha1")).allowed
    assert not policy.decide(JANE, get()).allowed
    nobody = User("system:anonymous", ("system:unauthenticated",))
    assert policy.decide(nobody, Attributes("get", path="/version")).allowed
    assert not policy.decide(nobody, Attributes("get", path="/api")).allowed


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/api/v1/namespaces/n/pods", {}, Attributes("list", "", "pods", namespace="n")),
        ("GET", "/api/v1/pods", {"watch": "1"}, Attributes("watch", "", "pods")),
        ("HEAD", "/api/v1/nodes/x", {}, Attributes("get", "", "nodes", name="x")),
        ("GET", "/api/v1/namespaces/n", {}, Attributes("get", "", "namespaces", name="n", namespace="n")),
        (
            "PUT",
            "/api/v1/namespaces/n/finalize",
            {},
            Attributes("update", "", "namespaces", "finalize", "n", "n"),
        ),
        ("POST", "/apis/g/v1/namespaces/n/xs", {}, Attributes("create", "g", "xs", namespace="n")),
        (
            "PATCH",
            "/apis/g/v1/namespaces/n/xs/a/status",
            {},
            Attributes("patch", "g", "xs", "status", "a", "n"),
        ),
        ("DELETE", "/apis/g/v1/xs", {}, Attributes("deletecollection", "g", "xs")),
        ("DELETE", "/apis/g/v1/xs/a", {}, Attributes("delete", "g", "xs", name="a")),
        ("GET", "/apis/g/v1", {}, Attributes("get", path="/apis/g/v1")),
        ("POST", "/metrics", {}, Attributes("post", path="/metrics")),
        (
            "GET",
            "/api/v1/pods",
            {"watch": "true", "fieldSelector": "metadata.name=a"},
            Attributes("watch", "", "pods", name="a"),
        ),
        ("GET", "/api/v1/pods", {"fieldSelector": "metadata.name!=a"}, Attributes("list", "", "pods")),
    ],
)
def test_a_request_is_read_as_the_real_server_reads_it(method, path, query, expected):
    assert attributes(method, path, query) == expected
