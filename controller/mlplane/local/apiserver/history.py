"""The last changes, in memory, so that a watch can go on from a resourceVersion; and who hears of new ones.

History does not outlive the process. A watch that asks for older changes is told 410 and lists again.
"""

import asyncio
from collections import deque
from collections.abc import Iterator

from mlplane.local.apiserver.rows import Change, Collection, Row

KEPT_CHANGES = 10_000
KEPT_BYTES = 32 * 2**20
BACKLOG_BYTES = 64 * 2**20
"""A watcher that is this far behind is cut off; its client goes on from its last resourceVersion."""
LEFT_TO_WATCHES_S = 1.0
"""How long watches outlive their kind, as on a real server. A Kopf operator whose watch ends before it has
found that the kind is gone watches again, is told 404, and ends for good."""


class Subscription:
    """Changes of one collection that a watcher has not taken yet."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._bytes = 0
        self._wake = asyncio.Event()
        self.ended = False

    def add(self, change: Change) -> None:
        """Called for each committed change, in order."""
        if self.ended:
            return
        self._changes.append(change)
        self._bytes += len(change.row.data)
        if self._bytes > BACKLOG_BYTES:
            self.end()
        self._wake.set()

    def end(self) -> None:
        """No more changes come: the kind is gone, the server stops, or the watcher is too slow."""
        self.ended = True
        self._wake.set()

    async def take(self) -> list[Change]:
        """Wait for changes and take all there are; empty only if the subscription has ended."""
        await self._wake.wait()
        changes, self._changes, self._bytes = self._changes, [], 0
        if not self.ended:
            self._wake.clear()
        return changes


class History:
    """A bounded log of changes, and its listeners."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()
        self._bytes = 0
        self._forgotten = 0
        self._subscriptions: dict[Collection | None, set[Subscription]] = {}

    def begin(self, revision: int) -> None:
        """Set the revision that the process started with: what was before it is not known."""
        self._forgotten = revision

    def append(self, change: Change) -> None:
        """Remember a committed change and tell who listens."""
        self._changes.append(change)
        self._bytes += _size(change)
        while len(self._changes) > KEPT_CHANGES or self._bytes > KEPT_BYTES:
            dropped = self._changes.popleft()
            self._bytes -= _size(dropped)
            self._forgotten = dropped.revision
        for wanted in (change.row.key.collection, None):
            for subscription in self._subscriptions.get(wanted, ()):
                subscription.add(change)

    @property
    def oldest(self) -> int:
        """The oldest revision that is covered."""
        return self._forgotten

    def covers(self, revision: int) -> bool:
        """Whether all changes after this revision are still known."""
        return revision >= self._forgotten

    def since(self, revision: int, collection: Collection) -> list[Change]:
        """The changes of a collection after a revision that is covered."""
        found = list(self._newest_until(revision, collection))
        found.reverse()
        return found

    def rewound(
        self, rows: list[Row], revision: int, collection: Collection, namespace: str = ""
    ) -> list[Row]:
        """The rows of a collection, or of one namespace of it, as they were at a revision that is covered.

        Args:
            rows: The rows as they are now, in order.
            revision: The revision.
            collection: The collection that they are of.
            namespace: The namespace that they are of; empty for all.
        """
        changes = list(self._newest_until(revision, collection))
        if not changes:
            return rows
        found = {row.key: row for row in rows}
        for change in changes:
            key = change.row.key
            if change.old is None:
                found.pop(key, None)
            elif not namespace or key.namespace == namespace:
                found[key] = change.old
        return sorted(found.values(), key=lambda row: row.key.place)

    def _newest_until(self, revision: int, collection: Collection) -> Iterator[Change]:
        for change in reversed(self._changes):
            if change.revision <= revision:
                return
            if change.row.key.collection == collection:
                yield change

    def subscribe(self, collection: Collection | None) -> Subscription:
        """Listen to a collection, or with ``None`` to everything; ``unsubscribe`` it afterwards."""
        subscription = Subscription()
        self._subscriptions.setdefault(collection, set()).add(subscription)
        return subscription

    def unsubscribe(self, collection: Collection | None, subscription: Subscription) -> None:
        """Stop listening."""
        self._subscriptions.get(collection, set()).discard(subscription)

    def end(self, collection: Collection) -> None:
        """End every watch of a collection in a second: its kind is no longer served."""
        loop = asyncio.get_running_loop()
        for subscription in self._subscriptions.get(collection, ()):
            loop.call_later(LEFT_TO_WATCHES_S, subscription.end)

    def end_all(self) -> None:
        """End every watch: the server stops."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.end()


def _size(change: Change) -> int:
    """Bytes that a change keeps in memory."""
    return len(change.row.data) + (len(change.old.data) if change.old else 0)
