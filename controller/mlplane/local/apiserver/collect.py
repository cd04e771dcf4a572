"""What goes when something else is gone: dependents of owners, content of namespaces, instances of definitions.

A background task looks again at what a change may have made superfluous. It keeps no state of its own: after
a restart it looks at everything once.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator

from mlplane.local.apiserver import crds, deletion, metadata
from mlplane.local.apiserver.conversion import from_stored
from mlplane.local.apiserver.history import History
from mlplane.local.apiserver.kinds import EVENTS, NAMESPACES
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Change, Collection, Key, Row
from mlplane.local.apiserver.statuses import ApiError, Body
from mlplane.local.apiserver.writes import DeleteOptions, WriteOptions

EVENT_SECONDS = 3600
"""Events are kept for an hour, as by the real server."""
_SWEEP_SECONDS = 60.0
_MANAGER = "mlplane-collector"

log = logging.getLogger(__name__)


async def run(objects: Objects, registry: Registry, history: History) -> None:
    """Collect until cancelled."""
    collector = Collector(objects, registry)
    subscription = history.subscribe(None)
    try:
        await collector.start()
        while True:
            try:
                async with asyncio.timeout(_SWEEP_SECONDS):
                    changes = await subscription.take()
            except TimeoutError:
                await collector.sweep_events()
                continue
            if subscription.ended:
                # So far behind that changes were dropped: begin anew, by looking at everything.
                history.unsubscribe(None, subscription)
                subscription = history.subscribe(None)
                await collector.start()
                continue
            await collector.follow(changes)
    finally:
        history.unsubscribe(None, subscription)


class Collector:
    """The work, and who owns whom."""

    def __init__(self, objects: Objects, registry: Registry) -> None:
        self._objects = objects
        self._registry = registry
        self._dependents: dict[str, set[Key]] = defaultdict(set)
        self._homes: dict[str, str] = {}
        self._swept = 0.0

    async def start(self) -> None:
        """Look at everything."""
        self._dependents.clear()
        self._homes.clear()
        rows = list(self._objects.store.heads())
        for row in rows:
            self._index(row)
        for row in rows:
            await self._guarded(row)
        await self.sweep_events()

    async def follow(self, changes: Iterable[Change]) -> None:
        """Do what committed changes call for."""
        changes = list(changes)
        for change in changes:
            self._forget(change) if change.type == "DELETED" else self._index(change.row, change.old)
        for change in changes:
            if change.type == "DELETED":
                await self._after(change.row)
            elif change.row.deleting or change.row.owners:
                await self._guarded(change.row)
        if time.monotonic() - self._swept > _SWEEP_SECONDS:
            await self.sweep_events()

    def _index(self, row: Row, old: Row | None = None) -> None:
        self._homes[row.uid] = row.key.namespace
        for uid in set(old.owners) - set(row.owners) if old else ():
            self._dependents[uid].discard(row.key)
        for uid in row.owners:
            self._dependents[uid].add(row.key)

    def _forget(self, change: Change) -> None:
        row = change.row
        self._homes.pop(row.uid, None)
        for uid in row.owners:
            self._dependents[uid].discard(row.key)

    async def _after(self, row: Row) -> None:
        """An object is gone: its dependents may be orphans, its namespace or definition may be empty."""
        for key in self._dependents.pop(row.uid, ()):
            await self._guarded(self._objects.store.head(key))
            if (left := self._objects.store.head(key)) is not None:
                self._index(left)
        home = (
            self._objects.store.head(Key(*NAMESPACES, "", row.key.namespace)) if row.key.namespace else None
        )
        definition = self._objects.store.head(Key(*crds.CRDS, "", f"{row.key.plural}.{row.key.group}"))
        for holder in (home, definition):
            if holder is not None and holder.deleting:
                await self._guarded(holder)
        for uid in row.owners:
            await self._guarded(self._owner(uid, row))

    def _owner(self, uid: str, dependent: Row) -> Row | None:
        """The owner of a dependent, if it is being deleted and waits for it."""
        if uid not in self._homes:
            return None
        body = dependent.decode()
        for reference in body["metadata"].get("ownerReferences") or ():
            kind = self._registry.kind(reference["apiVersion"], reference["kind"])
            if reference.get("uid") == uid and kind:
                row = self._objects.store.head(kind.key(dependent.key.namespace, reference["name"]))
                return row if row is not None and row.deleting else None
        return None

    async def _guarded(self, row: Row | None) -> None:
        """Look at one object; its trouble must not keep others from being collected."""
        if row is None:
            return
        try:
            await self._look(row)
        except ApiError as error:
            log.warning("collecting %s %s/%s: %s", row.key.plural, *row.key.place, error.message)
        except Exception:
            log.exception("collecting %s %s/%s", row.key.plural, *row.key.place)

    async def _look(self, row: Row) -> None:
        row = self._objects.store.head(row.key) or row
        resource = self._registry.serving(row.key.collection)
        if resource is None or self._objects.store.head(row.key) is None:
            return
        if row.deleting:
            await self._finish(resource, row)
        elif row.owners and not any(self._lives(uid, row) for uid in row.owners):
            await deletion.delete(self._objects, resource, row.key, DeleteOptions(uid=row.uid))

    def _lives(self, uid: str, dependent: Row) -> bool:
        return self._homes.get(uid) in ("", dependent.key.namespace)

    async def _finish(self, resource: Resource, row: Row) -> None:
        """Go on with an object that is marked."""
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
        left = [each for each in self._objects.store.heads() if each.key.namespace == row.key.name]
        await self._delete_each(left)
        left = [each for each in self._objects.store.heads() if each.key.namespace == row.key.name]
        if left:
            await self._objects.update(
                resource,
                row.key,
                lambda old: _remaining(old, left),
                WriteOptions(_MANAGER, subresource="status"),
            )
            return
        await self._objects.update(
            resource, row.key, lambda old: {**old, "spec": {}}, WriteOptions(_MANAGER, subresource="finalize")
        )

    async def _empty_definition(self, resource: Resource, row: Row) -> None:
        spec = row.decode()["spec"]
        kept_in = Collection(spec["group"], spec["names"]["plural"])
        await self._delete_each(
            each for each in self._objects.store.heads() if each.key.collection == kept_in
        )
        if not any(each.key.collection == kept_in for each in self._objects.store.heads()):
            await self._release(resource, row.key, crds.CLEANUP_FINALIZER)

    async def _set_free(self, resource: Resource, row: Row) -> None:
        for dependent in self._owned(row):
            kind = self._registry.serving(dependent.key.collection)
            if kind is not None:
                await self._objects.update(
                    kind, dependent.key, lambda old: _without_owner(old, row.uid), WriteOptions(_MANAGER)
                )
        await self._release(resource, row.key, deletion.ORPHAN)

    async def _delete_dependents(self, resource: Resource, row: Row) -> None:
        for dependent in self._owned(row):
            kind = self._registry.serving(dependent.key.collection)
            if kind is not None and not dependent.deleting:
                await deletion.delete(
                    self._objects, kind, dependent.key, DeleteOptions("Foreground", uid=dependent.uid)
                )
        if not any(_blocks(dependent, row.uid) for dependent in self._owned(row)):
            await self._release(resource, row.key, deletion.FOREGROUND)

    def _owned(self, row: Row) -> list[Row]:
        found = (self._objects.store.head(key) for key in list(self._dependents.get(row.uid, ())))
        return [each for each in found if each is not None]

    async def _delete_each(self, rows: Iterable[Row]) -> None:
        for row in list(rows):
            resource = self._registry.serving(row.key.collection)
            if resource is not None and not row.deleting:
                await deletion.delete(self._objects, resource, row.key, DeleteOptions(uid=row.uid))

    async def _release(self, resource: Resource, key: Key, finalizer: str) -> None:
        if self._objects.store.head(key) is not None:
            await self._objects.update(
                resource, key, lambda old: _without_finalizer(old, finalizer), WriteOptions(_MANAGER)
            )

    async def sweep_events(self) -> None:
        """Remove Events that are old."""
        self._swept = time.monotonic()
        resource = self._registry.serving(EVENTS)
        assert resource is not None
        for row in _old_events(self._objects.store.rows(EVENTS)):
            self._objects.drop(resource, row.key, from_stored(resource, row))
        await self._objects.settle()


def _old_events(rows: Iterable[Row]) -> Iterator[Row]:
    limit = metadata.timestamp(-EVENT_SECONDS)
    return (row for row in rows if row.decode()["metadata"]["creationTimestamp"] < limit)


def _blocks(dependent: Row, uid: str) -> bool:
    references = dependent.decode()["metadata"].get("ownerReferences") or ()
    return any(each.get("uid") == uid and each.get("blockOwnerDeletion") for each in references)


def _without_owner(body: Body, uid: str) -> Body:
    kept = [each for each in body["metadata"].get("ownerReferences") or () if each.get("uid") != uid]
    return {**body, "metadata": {**body["metadata"], "ownerReferences": kept}}


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
