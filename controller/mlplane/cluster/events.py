"""Kubernetes Events: what ``kubectl describe`` and ``kubectl events`` tell of an object's past.

Events are news for people: one that cannot be written is dropped and logged, and nobody waits for it. What is
said again of the same object counts up the Event that is there. Used by the controller and the GitOps agent.
"""

import asyncio
import hashlib
import json
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.refs import ref_of
from mlplane.cluster.port import Cluster
from mlplane.errors import MlplaneError

WAITING = 256
"""Events that may wait to be written; more are dropped."""
REMEMBERED = 4096
"""Events that can be counted up."""
MESSAGE_LIMIT = 1024
"""Characters of a message, by the rules of Kubernetes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class News:
    """What has happened to an object."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(slots=True)
class _Told:
    """An Event that was written."""

    first: datetime
    count: int = 0


class Recorder:
    """Writes Events in the background, one after the other."""

    def __init__(
        self,
        cluster: Cluster,
        component: str,
        guard: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``component`` is who reports, and the field manager; ``guard`` is around each write."""
        self._cluster = cluster
        self._component = component
        self._guard = guard
        self._clock = clock
        self._waiting: asyncio.Queue[tuple[Body, News]] = asyncio.Queue(WAITING)
        self._told: OrderedDict[tuple[str, News], _Told] = OrderedDict()

    def tell(self, about: Body, news: News) -> None:
        """Have an Event about an object written. Does no I/O, and never fails."""
        try:
            self._waiting.put_nowait((about, news))
        except asyncio.QueueFull:
            log.warning("%s: %s: not written as an Event: too many wait", ref_of(about), news.reason)

    async def run(self) -> None:
        """Write what is told, until cancelled."""
        while True:
            about, news = await self._waiting.get()
            try:
                await self._write(about, news)
            except (MlplaneError, LookupError) as error:
                log.info("%s: %s: not written as an Event: %s", ref_of(about), news.reason, error)

    async def _write(self, about: Body, news: News) -> None:
        now = self._clock()
        key = (about["metadata"].get("uid", ""), news)
        told = self._told.setdefault(key, _Told(now))
        told.count += 1
        self._told.move_to_end(key)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        body = event_body(about, news, self._component, first=told.first, last=now, count=told.count)
        async with self._guard():
            await self._cluster.apply(body, manager=self._component)


def event_body(
    about: Body, news: News, component: str, *, first: datetime, last: datetime, count: int
) -> Body:
    """An Event (core/v1). Its name follows from what it says and when it was first said.

    Args:
        about: The object, with its uid.
        news: What has happened to it; a long message is cut.
        component: Who reports it.
        first: When it happened first.
        last: When it happened last.
        count: How often it has happened.
    """
    meta = about["metadata"]
    content = json.dumps([meta.get("uid"), news.type, news.reason, news.message, first.isoformat()])
    message = news.message
    if len(message) > MESSAGE_LIMIT:
        message = message[: MESSAGE_LIMIT - 1] + "…"
    involved = {key: meta[key] for key in ("name", "namespace", "uid") if key in meta}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{meta['name']}.{hashlib.sha256(content.encode()).hexdigest()[:16]}",
            "namespace": meta["namespace"],
        },
        "involvedObject": {"apiVersion": about["apiVersion"], "kind": about["kind"], **involved},
        "type": news.type,
        "reason": news.reason,
        "message": message,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": timestamp(first),
        "lastTimestamp": timestamp(last),
        "count": count,
    }
