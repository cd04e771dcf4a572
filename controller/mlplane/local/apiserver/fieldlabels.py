"""Which fields of a kind a field selector may name, and what their values are as text. Pure.

Every kind has its name (and namespace); built-in kinds have a fixed set beside, custom ones what their
definition lists as ``selectableFields``.
"""

from typing import Any

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body

NAMES = ("metadata.name", "metadata.namespace")
_REFERENCE = ("apiVersion", "fieldPath", "kind", "name", "namespace", "resourceVersion", "uid")
_BUILT_IN: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "events"): (
        *NAMES,
        *(f"involvedObject.{field}" for field in _REFERENCE),
        *("reason", "reportingComponent", "source", "type"),
    ),
    ("", "namespaces"): ("metadata.name", "status.phase"),
    ("", "nodes"): ("metadata.name", "spec.unschedulable"),
    ("", "pods"): (
        *NAMES,
        *("spec.hostNetwork", "spec.nodeName", "spec.restartPolicy", "spec.schedulerName"),
        *("spec.serviceAccountName", "status.nominatedNodeName", "status.phase", "status.podIP"),
    ),
    ("", "secrets"): (*NAMES, "type"),
    ("", "services"): (*NAMES, "spec.clusterIP", "spec.type"),
    ("events.k8s.io", "events"): (
        *NAMES,
        *(f"regarding.{field}" for field in _REFERENCE),
        *("reason", "reportingController", "type"),
    ),
}
_BOOLEANS = ("spec.hostNetwork", "spec.unschedulable")
"""False when they are missing, where other fields are empty."""


def problem(resource: Resource, label: str) -> str:
    """Why a selector may not name a field; empty if it may."""
    known = _BUILT_IN.get((resource.group, resource.plural))
    if resource.custom:
        known = (*(NAMES if resource.namespaced else NAMES[:1]), *resource.selectable)
    if label in (known or NAMES):
        return ""
    if known is None:
        return f'"{label}" is not a known field selector: only "metadata.name", "metadata.namespace"'
    return f"field label not supported: {label}"


def text_of(body: Body, label: str) -> str:
    """The value of a field as selectors see it; empty if it is missing."""
    value: Any = body
    for key in label.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):  # only ``source`` of an Event: who reported it
        value = value.get("component") or body.get("reportingComponent")
    if isinstance(value, bool) or (value is None and label in _BOOLEANS):
        return str(bool(value)).lower()
    return "" if value is None else str(value)
