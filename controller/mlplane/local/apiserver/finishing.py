"""What is still to be done for an object that is being deleted, by what holds it.

The collector calls ``finish`` whenever such an object, or something that it waits for, has changed.
"""

from collections.abc import Callable, Iterable

from mlplane.local.apiserver import crds, deletion, metadata
from mlplane.local.apiserver.dependents import Dependents, blocks, without_owner
from mlplane.local.apiserver.kinds import NAMESPACES
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Collection, Key, Row
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.writes import DeleteOptions, WriteOptions

MANAGER = "mlplane-collector"
_AT_ONCE = 200
"""Deletions between two pauses, in which requests are answered."""


class Finisher:
    """Goes on with deletions."""

    def __init__(self, objects: Objects, registry: Registry, dependents: Dependents) -> None:
        self._objects = objects
        self._registry = registry
        self._dependents = dependents

    async def finish(self, resource: Resource, row: Row) -> None:
        """Do what can be done for a marked object now; all of it may be done again.

        Raises:
            ApiError: Something refused; another try may help.
        """
        finalizers = row.decode()["metadata"].get("finalizers") or ()
        if resource.collection == NAMESPACES:
            await self._empty_namespace(resource, row)
        elif crds.CLEANUP_FINALIZER in finalizers:
            await self._empty_definition(resource, row)
        elif deletion.ORPHAN in finalizers:
            await self._set_free(resource, row)
        elif deletion.FOREGROUND in finalizers:
            await self._delete_dependents(resource, row)

    async def _empty_namespace(self, resource: Resource, row: Row) -> None:
        left = await self._empty(lambda each: each.key.namespace == row.key.name)
        if not left:
            options = WriteOptions(MANAGER, subresource="finalize")
            await self._objects.update(resource, row.key, lambda old: {**old, "spec": {}}, options)
            return
        options = WriteOptions(MANAGER, subresource="status")
        await self._objects.update(resource, row.key, lambda old: _remaining(old, left), options)

    async def _empty_definition(self, resource: Resource, row: Row) -> None:
        spec = row.decode()["spec"]
        instances = Collection(spec["group"], spec["names"]["plural"])
        if not await self._empty(lambda each: each.key.collection == instances):
            await self._release(resource, row.key, crds.CLEANUP_FINALIZER)

    async def _set_free(self, resource: Resource, row: Row) -> None:
        for dependent in self._owned(row):
            kind = self._registry.serving(dependent.key.collection)
            if kind is not None:
                await self._objects.update(
                    kind, dependent.key, lambda old: without_owner(old, row.uid), WriteOptions(MANAGER)
                )
        await self._release(resource, row.key, deletion.ORPHAN)

    async def _delete_dependents(self, resource: Resource, row: Row) -> None:
        await self._delete_each(self._owned(row), DeleteOptions("Foreground"))
        if not any(blocks(dependent.decode(), row.uid) for dependent in self._owned(row)):
            await self._release(resource, row.key, deletion.FOREGROUND)

    def _owned(self, row: Row) -> list[Row]:
        found = (self._objects.store.head(key) for key in self._dependents.of(row.uid))
        return [each for each in found if each is not None]

    async def _empty(self, belongs: Callable[[Row], bool]) -> list[Row]:
        """Delete what belongs there; what is left, as it is held."""
        await self._delete_each(filter(belongs, self._objects.store.heads()), DeleteOptions())
        return [each for each in self._objects.store.heads() if belongs(each)]

    async def _delete_each(self, rows: Iterable[Row], options: DeleteOptions) -> None:
        left = [row for row in rows if not row.deleting]
        for start in range(0, len(left), _AT_ONCE):
            for row in left[start : start + _AT_ONCE]:
                if self._objects.store.head(row.key) is row:
                    self._delete(row, options)
            await self._objects.settle()

    def _delete(self, row: Row, options: DeleteOptions) -> None:
        resource = self._registry.serving(row.key.collection)
        if resource is None:
            # No version of its kind is served any more: nobody could finish it.
            self._objects.store.remove(row.key, row.decode())
        else:
            deletion.mark(self._objects, resource, row, options)

    async def _release(self, resource: Resource, key: Key, finalizer: str) -> None:
        if self._objects.store.head(key) is not None:
            await self._objects.update(
                resource, key, lambda old: _without_finalizer(old, finalizer), WriteOptions(MANAGER)
            )


def _without_finalizer(body: Body, finalizer: str) -> Body:
    kept = [each for each in body["metadata"].get("finalizers") or () if each != finalizer]
    return {**body, "metadata": {**body["metadata"], "finalizers": kept}}


def _remaining(namespace: Body, left: list[Row]) -> Body:
    """The namespace with the conditions that tell why it is still there."""
    status = {**namespace["status"], "conditions": list(namespace["status"].get("conditions") or ())}
    kinds = sorted({f"{row.key.plural}.{row.key.group}".rstrip(".") for row in left})
    held = sorted({name for row in left for name in row.decode()["metadata"].get("finalizers") or ()})
    now = metadata.timestamp()
    found = f"Some resources are remaining: {', '.join(kinds)}"
    crds.set_condition(status, "NamespaceContentRemaining", "SomeResourcesRemain", found, now)
    if held:
        found = f"Some content in the namespace has finalizers remaining: {', '.join(held)}"
        crds.set_condition(status, "NamespaceFinalizersRemaining", "SomeFinalizersRemain", found, now)
    return {**namespace, "status": status}
