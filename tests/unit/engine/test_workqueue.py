"""Workers: how many at once, what becomes of failures."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from mlplane.engine.workqueue import WorkQueue
from mlplane.errors import Terminal, Transient


@asynccontextmanager
async def at_work(queue):
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(condition, seconds=3.0):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_many_keys_are_worked_on_at_once_but_each_by_one_worker_only():
    running, most, overlaps, release = Counter(), 0, [], asyncio.Event()

    async def work(key):
        nonlocal most
        running[key] += 1
        overlaps.extend([key] if running[key] > 1 else [])
        most = max(most, running.total())
        await release.wait()
        running[key] -= 1

    queue = WorkQueue(work, workers=3)
    async with at_work(queue):
        for key in "aabbccddaa":
            queue.wake(key)
        await eventually(lambda: running.total() == 3)
        queue.wake("a")
        release.set()
        await eventually(lambda: running.total() == 0)
    assert most == 3
    assert overlaps == []


@pytest.mark.parametrize(
    "error", [Transient("busy"), Terminal("no"), KeyError("bug")], ids=lambda e: type(e).__name__
)
async def test_a_failing_key_is_tried_again_and_others_go_on(error):
    seen = Counter()

    async def work(key):
        seen[key] += 1
        if key == "bad" and seen[key] < 3:
            raise error

    queue = WorkQueue(work, workers=1)
    async with at_work(queue):
        queue.wake("bad")
        queue.wake("good")
        await eventually(lambda: seen["bad"] == 3 and seen["good"] == 1)


async def test_work_comes_again_after_the_time_it_asks_for():
    times = []

    async def work(_key):
        times.append(asyncio.get_running_loop().time())
        return timedelta(seconds=0.05)

    async with at_work(queue := WorkQueue(work)):
        queue.wake("a")
        await eventually(lambda: len(times) >= 3)
    assert times[1] - times[0] >= 0.05


async def test_a_wake_reaches_workers_that_wait_for_a_later_key():
    seen = []

    async def work(key):
        seen.append(key)

    async with at_work(queue := WorkQueue(work)):
        queue.wake("later", after=60.0)
        await asyncio.sleep(0)
        queue.wake("now")
        await eventually(lambda: seen == ["now"])
