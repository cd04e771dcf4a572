"""Watches: what happened since a resourceVersion, then what happens, one JSON line each."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

import orjson

from mlplane.local.apiserver.history import History, Subscription
from mlplane.local.apiserver.lists import Selection
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Change, Row, row_of
from mlplane.local.apiserver.statuses import ApiError, bad_request, expired
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.views import View
from mlplane.local.apiserver.writes import flag

BOOKMARK_SECONDS = 30.0
"""Kopf takes a watch without news for more than 70 s as dead."""
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The parameters of a watch."""

    version: int
    initial: bool
    """Whether the objects that exist come first, as ADDED."""
    announce_end: bool
    """Whether a bookmark tells the end of those."""
    bookmarks: bool
    timeout: float | None
    """Seconds."""


def watch_options(query: Mapping[str, str]) -> WatchOptions:
    """Read the parameters of a watch.

    Raises:
        ApiError: 400 for a resourceVersion that is no number.
    """
    text = query.get("resourceVersion") or "0"
    if not text.isdecimal():
        raise bad_request(f'resourceVersion: Invalid value: "{text}": must be a number')
    seconds = query.get("timeoutSeconds") or ""
    streamed = flag(query, "sendInitialEvents")
    bookmarks = flag(query, "allowWatchBookmarks")
    return WatchOptions(
        version=int(text),
        initial=streamed or ("sendInitialEvents" not in query and int(text) == 0),
        announce_end=streamed and bookmarks,
        bookmarks=bookmarks,
        timeout=float(seconds) if seconds.isdecimal() and int(seconds) else None,
    )


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

    async def chunks(self, options: WatchOptions) -> AsyncIterator[bytes]:
        """The stream, in chunks of whole lines; empty chunks ask whether the client is still there."""
        subscription = self._history.subscribe(self._resource.collection)
        try:
            async for lines in self._lines(subscription, options):
                yield b"".join(lines)
        finally:
            self._history.unsubscribe(self._resource.collection, subscription)

    async def _lines(self, subscription: Subscription, options: WatchOptions) -> AsyncIterator[list[bytes]]:
        try:
            for lines in _in_chunks(self._past(options)):
                yield lines
        except ApiError as error:
            yield [_line("ERROR", orjson.dumps(error.to_status()))]
            return
        deadline = time.monotonic() + options.timeout if options.timeout else float("inf")
        while not subscription.ended and (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(left, BOOKMARK_SECONDS)):
                    changes = await subscription.take()
            except TimeoutError:
                yield [self._bookmark()] if options.bookmarks and left > BOOKMARK_SECONDS else []
                continue
            for lines in _in_chunks(self._events(changes)):
                yield lines
        if options.bookmarks and not subscription.ended:
            yield [self._bookmark()]

    def _past(self, options: WatchOptions) -> Iterable[bytes]:
        # All of it is taken before the first pause, so that nothing falls between it and the subscription.
        if options.initial:
            rows = self._store.rows(self._resource.collection, self._selected.namespace)
            lines = [self._event("ADDED", row) for row in rows if self._selected.matches(row)]
            return [*lines, self._bookmark(initial_end=True)] if options.announce_end else lines
        if not options.version:
            return []
        if options.version > self._store.revision or not self._history.covers(options.version):
            raise expired(f"too old resource version: {options.version} ({self._store.revision})")
        return list(self._events(self._history.since(options.version, self._resource.collection)))

    def _events(self, changes: Iterable[Change]) -> Iterable[bytes]:
        for change in changes:
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
