"""What goes when something else is gone: dependents, content of namespaces, instances of definitions.

A background task looks again at what a change may have made superfluous. It keeps nothing that it could not
find again: after a restart it looks at everything once.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator

from mlplane.local.apiserver import acceptednames, crds, metadata
from mlplane.local.apiserver.dependents import Dependents
from mlplane.local.apiserver.finishing import Finisher
from mlplane.local.apiserver.history import History
from mlplane.local.apiserver.kinds import EVENT, NAMESPACES
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.owners import Owners
from mlplane.local.apiserver.registry import Registry
from mlplane.local.apiserver.rows import Change, Key, Row
from mlplane.local.apiserver.statuses import ApiError
from mlplane.local.apiserver.writes import WriteOptions

EVENT_SECONDS = 3600
"""Events are kept for an hour, as by the real server."""
_SWEEP_SECONDS = 60.0

log = logging.getLogger(__name__)


async def run(objects: Objects, registry: Registry, history: History) -> None:
    """Collect until cancelled."""
    while True:
        subscription = history.subscribe(None)
        try:
            collector = Collector(objects, registry)
            await collector.begin()
            # It ends when it is so far behind that changes were dropped: then everything is looked at again.
            while not subscription.ended:
                try:
                    async with asyncio.timeout(_SWEEP_SECONDS):
                        changes = await subscription.take()
                except TimeoutError:
                    changes = []
                await collector.follow(changes)
        finally:
            history.unsubscribe(None, subscription)


class Collector:
    """Looks at objects that changes of others concern."""

    def __init__(self, objects: Objects, registry: Registry) -> None:
        self._objects = objects
        self._registry = registry
        self._dependents = Dependents(objects.store.heads())
        self._owners = Owners(objects, registry, self._dependents)
        self._finisher = Finisher(objects, registry, self._dependents, self._owners)
        self._failed: set[Key] = set()
        self._swept = time.monotonic()

    async def begin(self) -> None:
        """Look at everything that may be superfluous."""
        for row in list(self._objects.store.heads()):
            if row.deleting or row.owners or row.key.collection == crds.CRDS:
                await self._look(row.key)
        await self._sweep()

    async def follow(self, changes: Iterable[Change]) -> None:
        """Do what committed changes call for."""
        concerned: dict[Key, None] = {}
        for change in changes:
            self._dependents.follow(change)
            concerned |= dict.fromkeys(self._concerned(change))
        for key in concerned:
            await self._look(key)
        if time.monotonic() - self._swept >= _SWEEP_SECONDS:
            await self._sweep()

    def _concerned(self, change: Change) -> Iterator[Key]:
        row = change.row
        if row.key.collection == crds.CRDS:
            yield from self._nameless(row)
        if change.type != "DELETED":
            if row.deleting or row.owners:
                yield row.key
            for uid in change.old.owners if change.old else ():
                # It has been set free: its owner may have waited for it.
                if uid not in row.owners and (owner := self._dependents.owner(uid, row)):
                    yield owner
            return
        yield from self._dependents.of(row.uid)
        if row.key.namespace:
            yield Key(*NAMESPACES, "", row.key.namespace)
        yield Key(*crds.CRDS, "", f"{row.key.plural}.{row.key.group}")
        for uid in row.owners:
            if owner := self._dependents.owner(uid, row):
                yield owner

    def _nameless(self, row: Row) -> Iterator[Key]:
        """Definitions of the same group that wait for a name, which may be free now."""
        group = row.key.name.partition(".")[2]
        for other in self._objects.store.rows(crds.CRDS):
            if other.key.name.endswith(f".{group}") and acceptednames.are_refused(other.decode()):
                yield other.key

    async def _look(self, key: Key) -> None:
        """Look at one object; its trouble must not keep others from being collected."""
        try:
            done = await self._act(key)
            (self._failed.discard if done else self._failed.add)(key)
        except ApiError as error:
            self._failed.add(key)
            log.warning("collecting %s %s/%s: %s", key.plural, key.namespace, key.name, error.message)
        except Exception:
            self._failed.add(key)
            log.exception("collecting %s %s/%s", key.plural, key.namespace, key.name)

    async def _act(self, key: Key) -> bool:
        row = self._objects.store.head(key)
        resource = self._registry.serving(key.collection)
        if row is None or resource is None:
            return True
        if row.deleting:
            await self._finisher.finish(resource, row)
            return True
        if key.collection == crds.CRDS:
            options = WriteOptions(acceptednames.MANAGER, subresource="status")
            await self._objects.update(resource, key, lambda old: old, options)
        decided = await self._owners.judge(resource, row)
        await self._objects.settle()
        return decided

    async def _sweep(self) -> None:
        """Try again what failed, and remove Events that are old."""
        self._swept = time.monotonic()
        for key in list(self._failed):
            await self._look(key)
        for row in _old(self._objects.store.rows(EVENT.collection)):
            if self._objects.store.head(row.key) is row:
                self._objects.drop(EVENT, row.key, row.decode())
        await self._objects.settle()


def _old(rows: Iterable[Row]) -> list[Row]:
    limit = metadata.timestamp(-EVENT_SECONDS)
    return [row for row in rows if row.decode()["metadata"]["creationTimestamp"] < limit]
