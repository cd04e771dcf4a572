"""What is still to be done for an object that is being deleted, by what holds it.

The collector calls ``finish`` whenever such an object, or something that it waits for, has changed.
"""

from collections.abc import Callable, Iterable
from functools import partial

from mlplane.local.apiserver import crds, deletion, namespaces
from mlplane.local.apiserver.deleteoptions import DeleteOptions
from mlplane.local.apiserver.dependents import Dependents, blocks, without_owners
from mlplane.local.apiserver.kinds import NAMESPACES
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.owners import MANAGER, Owners
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Collection, Key, Row
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.writes import WriteOptions

_AT_ONCE = 200
"""Deletions between two pauses, in which requests are answered."""


class Finisher:
    """Goes on with deletions."""

    def __init__(self, objects: Objects, registry: Registry, dependents: Dependents, owners: Owners) -> None:
        self._objects = objects
        self._registry = registry
        self._dependents = dependents
        self._owners = owners

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
        if deletion.ORPHAN in finalizers:
            await self._set_free(resource, row)
        elif deletion.FOREGROUND in finalizers:
            await self._delete_dependents(resource, row)

    async def _empty_namespace(self, resource: Resource, row: Row) -> None:
        left = await self._empty(lambda each: each.key.namespace == row.key.name)
        live = self._objects.store.head(row.key)
        if live is None or namespaces.FINALIZER not in namespaces.finalizers(live.decode()):
            return
        options = WriteOptions(MANAGER, subresource="status" if left else "finalize")
        change = partial(namespaces.remaining, left=left) if left else namespaces.finalized
        await self._objects.update(resource, row.key, change, options)

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
                    kind, dependent.key, lambda old: without_owners(old, {row.uid}), WriteOptions(MANAGER)
                )
        await self._release(resource, row.key, deletion.ORPHAN)

    async def _delete_dependents(self, resource: Resource, row: Row) -> None:
        for dependent in self._owned(row):
            kind = self._registry.serving(dependent.key.collection)
            if kind is not None and not dependent.deleting:
                await self._owners.judge(kind, dependent)
        await self._objects.settle()
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
