"""Who am I, and who may do what: reviews, answered by the policy and never stored. Pure."""

from collections.abc import Callable

from mlplane.local.apiserver import typedrequests
from mlplane.local.apiserver.rbac import Policy
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, Cause, bad_request, invalid
from mlplane.local.apiserver.users import Attributes, User

_GROUP = "authorization.k8s.io"
_ONE = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


def is_review(group: str, kind: str) -> bool:
    """Whether a kind is answered here."""
    return group in (_GROUP, "authentication.k8s.io") and kind in _ANSWERS


def answer(policy: Policy, user: User, resource: Resource, namespace: str, sent: Body | None) -> Body:
    """The review with its status.

    Args:
        policy: What holds.
        user: Who asks.
        resource: The kind of review.
        namespace: Of the path; for LocalSubjectAccessReview.
        sent: The body.

    Raises:
        ApiError: 400 for fields of wrong types; 400 or 422 for a review that asks for nothing, or for too
            much.
    """
    body = typedrequests.read(resource.kind, sent)
    spec = body.get("spec") or {}
    if resource.kind == "LocalSubjectAccessReview":
        asked = (spec.get("resourceAttributes") or {}).get("namespace", "")
        if asked != namespace:
            raise bad_request(f"spec.resourceAttributes.namespace must match namespace: {namespace}")
    status = _ANSWERS[resource.kind](policy, user, spec)
    meta = body.get("metadata") or {"creationTimestamp": None}
    identity = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
    return {**body, **identity, "spec": spec, "status": status}


def _who_am_i(_policy: Policy, user: User, _spec: Body) -> Body:
    return {"userInfo": user.info()}


def _may_i(policy: Policy, user: User, spec: Body) -> Body:
    decision = policy.decide(user, _asked(spec))
    return {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}


def _may_they(policy: Policy, _user: User, spec: Body) -> Body:
    name, groups = spec.get("user", ""), tuple(spec.get("groups") or ())
    if not name and not groups:
        message = 'Invalid value: "": at least one of user or group must be specified'
        raise invalid(_GROUP, "", "", [Cause("FieldValueInvalid", "spec.user", message)])
    return _may_i(policy, User(name, groups), spec)


def _my_rules(policy: Policy, user: User, spec: Body) -> Body:
    namespace = spec.get("namespace", "")
    if not namespace:
        raise bad_request("no namespace on request")
    rules, error = policy.rules(user, namespace)
    status: Body = {
        "resourceRules": [
            {k: rule[k] for k in ("verbs", "apiGroups", "resources", "resourceNames") if rule.get(k)}
            for rule in rules
            if rule.get("resources")
        ],
        "nonResourceRules": [
            {k: rule[k] for k in ("verbs", "nonResourceURLs")}
            for rule in rules
            if rule.get("nonResourceURLs")
        ],
        "incomplete": False,
    }
    return status | ({"evaluationError": error} if error else {})


def _asked(spec: Body) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if path is not None and resource is None:
        return Attributes(path.get("verb", ""), path=path.get("path", ""))
    if resource is None or path is not None:
        cause = Cause("FieldValueInvalid", "spec.resourceAttributes", f'Invalid value: "null": {_ONE}')
        raise invalid(_GROUP, "", "", [cause])
    keys = ("verb", "group", "resource", "subresource", "name", "namespace")
    return Attributes(*(resource.get(key, "") for key in keys))


_ANSWERS: dict[str, Callable[[Policy, User, Body], Body]] = {
    "SelfSubjectReview": _who_am_i,
    "SelfSubjectRulesReview": _my_rules,
    "SelfSubjectAccessReview": _may_i,
    "SubjectAccessReview": _may_they,
    "LocalSubjectAccessReview": _may_they,
}
