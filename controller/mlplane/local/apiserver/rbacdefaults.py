"""The roles that every cluster has from the start, as far as there are kinds for them here.

The server creates them once. ``admin``, ``edit`` and ``view`` are filled by aggregation on a real cluster;
here their rules are written out, so they say nothing of kinds that definitions add. Pure.
"""

from collections.abc import Sequence

from mlplane.local.apiserver.rbac import GROUP
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.users import AUTHENTICATED, MASTERS

_UNAUTHENTICATED = "system:unauthenticated"
_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_HEALTH = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = ("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*")


def _rule(group: str, resources: Sequence[str], verbs: Sequence[str]) -> Body:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _paths(*paths: str, verbs: Sequence[str] = ("get",)) -> Body:
    return {"nonResourceURLs": list(paths), "verbs": list(verbs)}


_VIEW = [
    _rule("", ("configmaps", "events", "namespaces", "pods", "pods/log", "pods/status"), _READ),
    _rule("", ("serviceaccounts", "services", "services/status"), _READ),
]
_EDIT = [
    *_VIEW,
    _rule("", ("secrets",), _READ),
    _rule("", ("configmaps", "pods", "secrets", "serviceaccounts", "services"), _WRITE),
    _rule("", ("serviceaccounts",), ("impersonate",)),
    _rule("", ("serviceaccounts/token",), ("create",)),
    _rule("coordination.k8s.io", ("leases",), (*_READ, *_WRITE)),
]
_ADMIN = [
    *_EDIT,
    _rule("authorization.k8s.io", ("localsubjectaccessreviews",), ("create",)),
    _rule(GROUP, ("rolebindings", "roles"), (*_READ, *_WRITE)),
]
_ROLES: dict[str, list[Body]] = {
    "cluster-admin": [_rule("*", ("*",), ("*",)), _paths("*", verbs=("*",))],
    "admin": _ADMIN,
    "edit": _EDIT,
    "view": _VIEW,
    "system:basic-user": [
        _rule("authorization.k8s.io", ("selfsubjectaccessreviews", "selfsubjectrulesreviews"), ("create",)),
        _rule("authentication.k8s.io", ("selfsubjectreviews",), ("create",)),
    ],
    "system:discovery": [_paths(*_DISCOVERY, *_HEALTH)],
    "system:public-info-viewer": [_paths(*_HEALTH)],
}
_BOUND = {
    "cluster-admin": (MASTERS,),
    "system:basic-user": (AUTHENTICATED,),
    "system:discovery": (AUTHENTICATED,),
    "system:public-info-viewer": (AUTHENTICATED, _UNAUTHENTICATED),
}


def defaults() -> list[Body]:
    """The ClusterRoles and ClusterRoleBindings."""
    roles = [_object("ClusterRole", name, rules=rules) for name, rules in _ROLES.items()]
    bindings = [_binding(name, groups) for name, groups in _BOUND.items()]
    return [*roles, *bindings]


def _object(kind: str, name: str, **fields: object) -> Body:
    metadata = {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, **fields}


def _binding(name: str, groups: Sequence[str]) -> Body:
    subjects = [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups]
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
    return _object("ClusterRoleBinding", name, subjects=subjects, roleRef=role)
