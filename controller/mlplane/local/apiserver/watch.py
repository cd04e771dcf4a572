"""Watches: what happened since a resourceVersion, then what happens, one JSON line each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable

import orjson

from mlplane.local.apiserver.history import History, Subscription
from mlplane.local.apiserver.listoptions import ListOptions
from mlplane.local.apiserver.lists import Selection
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Change, Row, row_of
from mlplane.local.apiserver.statuses import ApiError, expired, too_large
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.views import View

BOOKMARK_SECONDS = 30.0
"""Kopf takes a watch without news for more than 70 s as dead."""
_LAST_BOOKMARK_SECONDS = 2.0
"""So long before the end of a watch comes its last bookmark, from which its client goes on."""
_CHUNK = 2**20


class Watch:
    """One watch of one client."""

    def __init__(
        self, store: Store, history: History, resource: Resource, selected: Selection, view: View
    ) -> None:
        self._store = store
        self._history = history
        self._resource = resource
        self._selected = selected
        self._view = view
        self._first = True

    async def chunks(self, options: ListOptions) -> AsyncIterator[bytes]:
        """The stream, in chunks of whole lines; empty chunks ask whether the client is still there."""
        subscription = self._history.subscribe(self._resource.collection)
        try:
            async for lines in self._lines(subscription, options):
                yield b"".join(lines)
        finally:
            self._history.unsubscribe(self._resource.collection, subscription)

    async def _lines(self, subscription: Subscription, options: ListOptions) -> AsyncIterator[list[bytes]]:
        if options.timeout is not None and options.timeout < 0:
            return
        try:
            for lines in _in_chunks(self._past(options)):
                yield lines
        except ApiError as error:
            yield [_line("ERROR", orjson.dumps(error.to_status()))]
            return
        end = time.monotonic() + options.timeout if options.timeout else float("inf")
        last = end - _LAST_BOOKMARK_SECONDS if options.bookmarks and (options.timeout or 0) > 2 else end
        while not subscription.ended and (left := end - time.monotonic()) > 0:
            closing = last - time.monotonic()
            try:
                async with asyncio.timeout(min(closing if closing > 0 else left, BOOKMARK_SECONDS)):
                    changes = await subscription.take()
            except TimeoutError:
                yield [self._bookmark()] if options.bookmarks and time.monotonic() < end else []
                continue
            for lines in _in_chunks(self._events(changes, options.revision)):
                yield lines

    def _past(self, options: ListOptions) -> Iterable[bytes]:
        # All of it is taken before the first pause, so that nothing falls between it and the subscription.
        if options.initial:
            if options.revision > self._store.revision:
                raise too_large(options.revision, self._store.revision)
            rows = self._store.rows(self._resource.collection, self._selected.namespace)
            lines = [self._event("ADDED", row) for row in rows if self._selected.matches(row)]
            return [*lines, self._bookmark(initial_end=True)] if options.bookmarks else lines
        if not options.revision or options.revision > self._store.revision:
            return []
        if not self._history.covers(options.revision):
            raise expired(f"too old resource version: {options.revision} ({self._history.oldest})")
        changes = self._history.since(options.revision, self._resource.collection)
        return list(self._events(changes, options.revision))

    def _events(self, changes: Iterable[Change], after: int) -> Iterable[bytes]:
        for change in changes:
            if change.revision <= after:
                continue  # a client may ask for what comes after a revision that is not there yet
            was = change.old is not None and self._selected.matches(change.old)
            now = change.type != "DELETED" and self._selected.matches(change.row)
            if now:
                yield self._event("MODIFIED" if was else "ADDED", change.row)
            elif was and change.old is not None:
                last = change.row if change.type == "DELETED" else _left(change.old, change.revision)
                yield self._event("DELETED", last)

    def _event(self, kind: str, row: Row) -> bytes:
        first, self._first = self._first, False
        return _line(kind, self._view.watched(self._resource, row, first=first))

    def _bookmark(self, *, initial_end: bool = False) -> bytes:
        return _line(
            "BOOKMARK", self._view.bookmark(self._resource, self._store.revision, initial_end=initial_end)
        )


def _left(row: Row, revision: int) -> Row:
    """An object that the selectors no longer match: as it was, under the revision of the change."""
    body = row.decode()
    body["metadata"]["resourceVersion"] = str(revision)
    return row_of(row.key, revision, body, orjson.dumps(body))


def _line(kind: str, data: bytes) -> bytes:
    return b'{"type":"%s","object":%s}\n' % (kind.encode(), data)


def _in_chunks(lines: Iterable[bytes]) -> Iterable[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for line in lines:
        chunk.append(line)
        size += len(line)
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
