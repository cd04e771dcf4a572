"""The end of a namespace: its own finalizers, and the conditions that tell why it is still there. Pure."""

from collections import Counter
from collections.abc import Sequence

from mlplane.local.apiserver import crds, metadata
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.statuses import Body, Cause

FINALIZER = "kubernetes"
"""Held by the server until the namespace is empty; other ones are held by whoever put them there."""
_GOOD = {
    "NamespaceDeletionDiscoveryFailure": ("ResourcesDiscovered", "All resources successfully discovered"),
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    "NamespaceContentRemaining": ("ContentRemoved", "All content successfully removed"),
    "NamespaceFinalizersRemaining": (
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ),
}
"""Conditions of a namespace that is being deleted, with reason and message while they are False."""


def finalizers(namespace: Body) -> list[str]:
    """The finalizers in the spec, which stand beside those in the metadata."""
    return list((namespace.get("spec") or {}).get("finalizers") or ())


def begin(namespace: Body) -> None:
    """Fill in a new namespace, in place."""
    held = [name for name in finalizers(namespace) if name != FINALIZER]
    namespace["spec"] = {"finalizers": [*held, FINALIZER]}
    namespace["status"] = {"phase": "Active"}


def finalized(namespace: Body) -> Body:
    """The namespace without the server's finalizer: it is empty."""
    held = [name for name in finalizers(namespace) if name != FINALIZER]
    return {**namespace, "spec": {"finalizers": held} if held else {}}


def problems(namespace: Body) -> list[Cause]:
    """What is wrong with the status that somebody writes."""
    deleting = "deletionTimestamp" in namespace["metadata"]
    phase = (namespace.get("status") or {}).get("phase", "")
    wanted = "Terminating" if deleting else "Active"
    if phase in ("", wanted):
        return []
    state = "not empty" if deleting else "empty"
    message = f"Invalid value: \"{phase}\": may only be '{wanted}' if `deletionTimestamp` is {state}"
    return [Cause("FieldValueInvalid", "status.Phase", message)]


def remaining(namespace: Body, left: Sequence[Row]) -> Body:
    """The namespace with the conditions for what is left in it."""
    status = {**namespace["status"], "conditions": list(namespace["status"].get("conditions") or ())}
    kinds = Counter(f"{row.key.plural}.{row.key.group}" for row in left)
    held = Counter(name for row in left for name in row.decode()["metadata"].get("finalizers") or ())
    bad = {
        "NamespaceContentRemaining": (
            "SomeResourcesRemain",
            f"Some resources are remaining: {_counted('has', kinds)}",
        )
    }
    if held:
        bad["NamespaceFinalizersRemaining"] = (
            "SomeFinalizersRemain",
            f"Some content in the namespace has finalizers remaining: {_counted('in', held)}",
        )
    now = metadata.timestamp()
    for kind, good in _GOOD.items():
        crds.set_condition(status, kind, *bad.get(kind, good), now, "True" if kind in bad else "False")
    return {**namespace, "status": status}


def _counted(word: str, counts: Counter[str]) -> str:
    return ", ".join(f"{name} {word} {count} resource instances" for name, count in sorted(counts.items()))
