"""Who am I, and may I: whoever holds the token may do everything. Pure."""

from mlplane.local.apiserver.statuses import Body

_USER = {"username": "mlplane", "groups": ["system:masters", "system:authenticated"]}
_ALLOWED = {"allowed": True, "reason": "the holder of the token may do everything"}
_RULES = {
    "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    "incomplete": False,
}
_STATUSES: dict[str, Body] = {
    "SelfSubjectReview": {"userInfo": _USER},
    "SelfSubjectRulesReview": _RULES,
    "SelfSubjectAccessReview": _ALLOWED,
    "SubjectAccessReview": _ALLOWED,
    "LocalSubjectAccessReview": _ALLOWED,
}


def is_review(kind: str) -> bool:
    """Whether a kind is answered here and never stored."""
    return kind in _STATUSES


def answer(api_version: str, kind: str, body: Body) -> Body:
    """The review with its status."""
    return {"metadata": {}, **body, "apiVersion": api_version, "kind": kind, "status": _STATUSES[kind]}
