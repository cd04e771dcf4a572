"""The built-in kinds, as far as mlplane, kubectl and Kopf need them."""

from dataclasses import replace

from mlplane.local.apiserver import rbac
from mlplane.local.apiserver.registry import ALL_VERBS, Resource
from mlplane.local.apiserver.rows import Collection
from mlplane.local.apiserver.shapes import SHAPES

NAMESPACES = Collection("", "namespaces")
PODS = Collection("", "pods")
EVENTS = Collection("", "events")
NODE_LEASES = "kube-node-lease"
"""Namespace of the Leases that nodes renew."""

_CREATE = ("create",)


def _core(
    plural: str,
    kind: str,
    short: str = "",
    *,
    sub: tuple[str, ...] = (),
    namespaced: bool = True,
    all_: bool = False,
) -> Resource:
    return Resource(
        "",
        "v1",
        plural,
        kind,
        kind.lower(),
        namespaced=namespaced,
        short_names=(short,) if short else (),
        categories=("all",) if all_ else (),
        subresources=sub,
        counts_generation=kind == "Pod",
        openapi=SHAPES.get(kind),
    )


def _role(plural: str, kind: str, *, namespaced: bool) -> Resource:
    shape = SHAPES[kind]
    return Resource(rbac.GROUP, "v1", plural, kind, kind.lower(), namespaced=namespaced, openapi=shape)


def _review(group: str, plural: str, kind: str, *, namespaced: bool = False) -> Resource:
    return Resource(group, "v1", plural, kind, kind.lower(), namespaced=namespaced, verbs=_CREATE)


EVENT = _core("events", "Event", "ev")
NAMESPACE = replace(
    _core("namespaces", "Namespace", "ns", namespaced=False, sub=("status", "finalize")),
    verbs=tuple(verb for verb in ALL_VERBS if verb != "deletecollection"),
)

SCALE = Resource("autoscaling", "v1", "", "Scale", "scale", namespaced=True, verbs=())
"""What ``/scale`` shows; no kind of its own."""

BUILTINS = [
    _core("configmaps", "ConfigMap", "cm"),
    EVENT,
    NAMESPACE,
    _core("nodes", "Node", "no", namespaced=False, sub=("status",)),
    _core("pods", "Pod", "po", sub=("log", "status"), all_=True),
    _core("secrets", "Secret"),
    _core("serviceaccounts", "ServiceAccount", "sa", sub=("token",)),
    _core("services", "Service", "svc", sub=("status",), all_=True),
    Resource(
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
        "CustomResourceDefinition",
        "customresourcedefinition",
        namespaced=False,
        short_names=("crd", "crds"),
        categories=("api-extensions",),
        subresources=("status",),
        counts_generation=True,
        unconditional_update=False,
        openapi=SHAPES["CustomResourceDefinition"],
    ),
    _review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    _review("authorization.k8s.io", "localsubjectaccessreviews", "LocalSubjectAccessReview", namespaced=True),
    _review("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    _review("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
    _review("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
    Resource(
        "coordination.k8s.io",
        "v1",
        "leases",
        "Lease",
        "lease",
        namespaced=True,
        unconditional_update=False,
        created_by_update=True,
        openapi=SHAPES["Lease"],
    ),
    Resource(
        "events.k8s.io",
        "v1",
        "events",
        "Event",
        "event",
        namespaced=True,
        short_names=("ev",),
        stored=EVENTS,
        stored_version="v1",
        openapi=SHAPES["events.k8s.io/Event"],
    ),
    _role("clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    _role("clusterroles", "ClusterRole", namespaced=False),
    _role("rolebindings", "RoleBinding", namespaced=True),
    _role("roles", "Role", namespaced=True),
]
