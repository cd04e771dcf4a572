"""List, then watch, for ever: what ``kube.KubeCluster.watch`` does.

A stream that ends is resumed from the last version seen. A version that is too old (410, in the stream or as
an answer) means: list again and tell the difference. A kind that does not exist is waited for, since a CRD
may come later. A silent connection is given up after ``SILENCE_S``: servers send bookmarks each minute.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Any

from mlplane.api.meta import Body
from mlplane.api.refs import Query
from mlplane.cluster.discovery import Discovery, UnknownKind
from mlplane.cluster.listing import list_pages, selectors
from mlplane.cluster.port import Event
from mlplane.cluster.transport import Expired, NotFound, Transport
from mlplane.errors import Transient

log = logging.getLogger(__name__)

SILENCE_S = 75.0
FIRST_DELAY_S = 0.1
LAST_DELAY_S = 5.0
CALM_S = 1.0
"""A stream that lived this long was a good one: the next attempt comes without a longer delay."""


class Watch:
    """One query being watched: what is known of it, and from where to go on."""

    def __init__(self, transport: Transport, discovery: Discovery, query: Query) -> None:
        self._transport = transport
        self._discovery = discovery
        self._query = query
        self._known: dict[tuple[str, str], Body] = {}
        self._version: str | None = None
        self._synced = False

    async def events(self) -> AsyncGenerator[Event, None]:
        """The initial objects, SYNCED, and every change. Raises Terminal if the server refuses."""
        delay = FIRST_DELAY_S
        while True:
            started = time.monotonic()
            try:
                async with aclosing(self._list()) as events:
                    async for event in events:
                        yield event
                async with aclosing(self._stream()) as events:
                    async for event in events:
                        yield event
            except Expired:
                self._version = None
            except UnknownKind as error:
                self._version = None
                for event in self._replace([]):
                    yield event
                log.info("watch of %s waits: %s", self._query.kind, error)
            except Transient as error:
                log.info("watch of %s goes on in %.1f s: %s", self._query.kind, delay, error)
            if time.monotonic() - started > CALM_S:
                delay = FIRST_DELAY_S
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load, hides nothing
            delay = min(delay * 2, LAST_DELAY_S)

    async def _list(self) -> AsyncGenerator[Event, None]:
        """What has changed since the version known, by a list, if no version is known."""
        if self._version is not None:
            return
        items, version = await list_pages(self._transport, self._discovery, self._query)
        for event in self._replace(items):
            yield event
        self._version = version
        if not self._synced:
            self._synced = True
            yield Event("SYNCED", {})

    def _replace(self, items: list[Body]) -> Iterator[Event]:
        """Take over a list; what it changes, as events."""
        listed = {_key(item): item for item in items}
        for key, old in list(self._known.items()):
            if key not in listed or _uid(listed[key]) != _uid(old):
                del self._known[key]
                yield Event("DELETED", old)
        for item in listed.values():
            if event := self._changed(item):
                yield event

    async def _stream(self) -> AsyncGenerator[Event, None]:
        params = {
            **selectors(self._query),
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version or "",
            "timeoutSeconds": str(random.randint(240, 300)),  # noqa: S311
        }
        path = await self._discovery.query_path(self._query)
        doing = f"watch {self._query.kind}"
        try:
            async with self._transport.lines(path, params, doing=doing, silence_s=SILENCE_S) as lines:
                async for line in lines:
                    if event := self._take(_parsed(line)):
                        yield event
        except NotFound as error:  # the CRD has gone, or moved: the next list tells
            self._discovery.forget(self._query.api_version)
            raise Expired(str(error)) from error

    def _take(self, change: Any) -> Event | None:
        kind, body = change["type"], change["object"]
        if kind == "ERROR":
            if body.get("code") == 410:
                raise Expired(f"watch {self._query.kind}: {body.get('message')}")
            raise Transient(f"watch {self._query.kind}: {body.get('message')}")
        self._version = body["metadata"]["resourceVersion"]
        if kind == "BOOKMARK":
            return None
        if kind == "DELETED":
            self._known.pop(_key(body), None)
            return Event("DELETED", body)
        return self._changed(body)

    def _changed(self, body: Body) -> Event | None:
        old = self._known.get(_key(body))
        self._known[_key(body)] = body
        if old is None:
            return Event("ADDED", body)
        same = old["metadata"]["resourceVersion"] == body["metadata"]["resourceVersion"]
        return None if same else Event("MODIFIED", body)


def _parsed(line: bytes) -> Any:
    """The change in a line; a line that a dying server left half-written is a broken connection."""
    try:
        return json.loads(line)
    except ValueError as error:
        raise Transient("the connection broke in the middle of a line") from error


def _key(body: Body) -> tuple[str, str]:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _uid(body: Body) -> str | None:
    uid: str | None = body["metadata"].get("uid")
    return uid
