"""Workers on a ``Schedule``: runs the work of each key that is due, and has failures tried again.

No failure of one key ends a worker or delays another key. Used by ``loop``.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from typing import Generic, TypeVar

from mlplane.engine.schedule import Schedule
from mlplane.errors import MlplaneError

K = TypeVar("K", bound=Hashable)
Work = Callable[[K], Awaitable[timedelta | None]]
"""What is done for a key; returns when to look again without a reason to, if ever."""

log = logging.getLogger(__name__)


class WorkQueue(Generic[K]):
    """Keys that wait for work and the workers that do it."""

    def __init__(self, work: Work[K], *, workers: int = 8) -> None:
        self._work = work
        self._workers = workers
        self._schedule: Schedule[K] = Schedule(random.random)
        self._changed = asyncio.Event()

    def wake(self, key: K, *, after: float = 0.0) -> None:
        """Have the key worked on, at once or after some seconds; also if it waits for its back-off."""
        self._schedule.add(key, time.monotonic() + after)
        self._changed.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._worker(), name=f"worker {number}")

    async def _worker(self) -> None:
        while True:
            await self._do(await self._next())

    async def _next(self) -> K:
        while (key := self._schedule.take(time.monotonic())) is None:
            self._changed.clear()
            at = self._schedule.next_at()
            try:
                async with asyncio.timeout(None if at is None else at - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                continue
        return key

    async def _do(self, key: K) -> None:
        try:
            again = await self._work(key)
        except MlplaneError as error:
            delay = self._failed(key)
            log.info("%s: %s; again in %.1f s", key, error, delay)
        except Exception:
            delay = self._failed(key)
            log.exception("%s: unexpected error; again in %.1f s", key, delay)
        else:
            after = None if again is None else time.monotonic() + again.total_seconds()
            self._schedule.succeeded(key, after)
            self._changed.set()

    def _failed(self, key: K) -> float:
        delay = self._schedule.failed(key, time.monotonic())
        self._changed.set()
        return delay
