"""The Workflows and InferenceServices of a plan. Pure; called by ``gitops.planning``."""

from collections.abc import Iterator

from mlplane import names
from mlplane.api.meta import Body
from mlplane.api.planned import Child
from mlplane.api.reading import at
from mlplane.gitops.differences import Objects, child_changes
from mlplane.gitops.foresight import owner_of
from mlplane.gitops.planningeffects import Futures

_CHILDREN = (names.WORKFLOW_KIND, names.INFERENCE_SERVICE_KIND)


def children(futures: Futures) -> tuple[Child, ...]:
    """Workflows and InferenceServices that would be made, changed or deleted, as they are in the end."""
    before, after = futures.without.world.objects, futures.changed.world.objects
    return tuple(_children(before, after, futures.start))


def _children(before: Objects, after: Objects, start: Objects) -> Iterator[Child]:
    for ref in sorted({*before, *after}, key=lambda ref: (ref.kind, ref.name)):
        old, new = before.get(ref), after.get(ref)
        if ref.kind not in _CHILDREN or (old and new and old["spec"] == new["spec"]):
            continue
        if new is None and ref not in start:
            continue  # it would have been made, and now never is
        body = new or old or {}
        action = "Created" if old is None else "Deleted" if new is None else "Changed"
        owner = owner_of(body, after if new else before) or {}
        name = f"{owner.get('kind')}/{at(owner, 'metadata', 'name')}"
        fields = child_changes(old, new) if old and new else ()
        yield Child(action=action, owner=name, fields=fields, object=_rendered(body))


def _rendered(body: Body) -> Body:
    """The object as the controller applies it."""
    kept = ("name", "namespace", "labels", "annotations")
    meta = {key: value for key, value in body["metadata"].items() if key in kept}
    rest = {key: value for key, value in body.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": meta}
