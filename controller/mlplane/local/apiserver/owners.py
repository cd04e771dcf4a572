"""What an object's owners say about it: whether it stays, is set free from some of them, or goes.

``collect`` asks for an object whose owners may have changed, ``finishing`` for the dependents of an owner
that is deleted in the foreground. The rules are those of Kubernetes' garbage collector.
"""

from mlplane.local.apiserver import deletion
from mlplane.local.apiserver.deleteoptions import DeleteOptions, Propagation
from mlplane.local.apiserver.dependents import Dependents, unblocking, without_owners
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.writes import WriteOptions

MANAGER = "mlplane-collector"
"""Field manager of what the collector changes."""


class Owners:
    """Judges objects by their owners."""

    def __init__(self, objects: Objects, registry: Registry, dependents: Dependents) -> None:
        self._objects = objects
        self._registry = registry
        self._dependents = dependents

    async def judge(self, resource: Resource, row: Row) -> bool:
        """Delete an object that no owner keeps; drop references to owners that keep it no longer.

        Deletions are not waited for: ``Objects.settle`` when all is judged.

        Returns:
            Whether it could be decided; it cannot while the kind of an owner is not known.

        Raises:
            ApiError: Something refused; another try may help.
        """
        if not row.owners or all(self._is_solid(uid, row) for uid in row.owners):
            return True
        references = row.decode()["metadata"]["ownerReferences"]
        solid, waiting, unknown = [], [], []
        for reference in references:
            uid = reference["uid"]
            if self._is_solid(uid, row):
                solid.append(uid)
            elif self._dependents.owner(uid, row):
                waiting.append(uid)
            elif not self._is_gone(reference, row):
                unknown.append(uid)
        if unknown:
            return False
        if solid:
            others = set(row.owners).difference(solid)
            await self._change(resource, row, lambda old: without_owners(old, others))
            return True
        has_dependents = bool(self._dependents.of(row.uid))
        if waiting and has_dependents and self._is_in_circle(row):
            await self._change(resource, row, unblocking)
        self._delete(resource, row, "Foreground" if waiting and has_dependents else None)
        return True

    def _is_solid(self, uid: str, row: Row) -> bool:
        """Whether an owner exists, and does not wait for its dependents to be deleted."""
        key = self._dependents.owner(uid, row)
        owner = self._objects.store.head(key) if key else None
        return owner is not None and owner.uid == uid and not _waits(owner)

    def _is_gone(self, reference: Body, row: Row) -> bool:
        """Whether an owner that is not found is known not to exist: its kind is served, where it would be."""
        if self._dependents.is_absent(reference["uid"]):
            return True
        kind = self._registry.kind(reference.get("apiVersion", ""), reference.get("kind", ""))
        return kind is not None and (bool(row.key.namespace) or not kind.namespaced)

    def _is_in_circle(self, row: Row) -> bool:
        """Whether a dependent waits in turn for its dependents, so that both would wait for ever."""
        heads = (self._objects.store.head(key) for key in self._dependents.of(row.uid))
        return any(head is not None and _waits(head) for head in heads)

    async def _change(self, resource: Resource, row: Row, change: deletion.Transform) -> None:
        await self._objects.update(resource, row.key, change, WriteOptions(MANAGER))

    def _delete(self, resource: Resource, row: Row, policy: Propagation | None) -> None:
        head = self._objects.store.head(row.key)
        if head is not None and head.uid == row.uid and not head.deleting:
            deletion.mark(self._objects, resource, head, DeleteOptions(policy, uid=row.uid))


def _waits(row: Row) -> bool:
    """Whether an object is being deleted in the foreground."""
    return row.deleting and deletion.FOREGROUND in (row.decode()["metadata"].get("finalizers") or ())
