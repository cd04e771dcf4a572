"""Events as a person sees them, against a real API server; and what becomes of them without one."""

import asyncio
import json
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from mlplane.api.refs import Query, Ref
from mlplane.cluster.events import News, Recorder
from mlplane.errors import Transient

KUBECTL = Path(sys.executable).with_name("kubectl")
STARTED = News("Normal", "Running", "it runs")


@asynccontextmanager
async def recording(cluster):
    recorder = Recorder(cluster, "mlplane-controller")
    task = asyncio.create_task(recorder.run())
    try:
        yield recorder
        assert not task.done()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def thing(things):
    return await things("lamp")


async def of(cluster, **wanted):
    """The Events about the lamp that are so, by reason."""
    found = await cluster.list(Query("v1", "Event", "default"))
    return {e["reason"]: e for e in found if all(e.get(key) == value for key, value in wanted.items())}


async def test_what_is_told_again_is_counted_up(cluster, thing, eventually):
    async with recording(cluster) as recorder:
        for _ in range(3):
            recorder.tell(thing, STARTED)
        recorder.tell(thing, News("Warning", "RunFailed", "it failed"))
        await eventually(lambda: of(cluster, reason="RunFailed"))
    found = await of(cluster)
    assert {reason: e["count"] for reason, e in found.items()} == {"Running": 3, "RunFailed": 1}
    assert found["Running"]["involvedObject"]["uid"] == thing["metadata"]["uid"]
    assert found["RunFailed"]["type"] == "Warning"


async def test_kubectl_shows_them_with_the_object(cluster, thing, eventually, server):
    async with recording(cluster) as recorder:
        recorder.tell(thing, STARTED)
        await eventually(lambda: of(cluster, reason="Running"))

    def kubectl(*arguments):
        command = [KUBECTL, "--kubeconfig", str(server.state.kubeconfig), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    described = await asyncio.to_thread(kubectl, "describe", "thing", "lamp")
    assert "mlplane-controller  it runs" in described
    listed = json.loads(await asyncio.to_thread(kubectl, "events", "--for", "thing/lamp", "-o", "json"))
    assert [item["reason"] for item in listed["items"]] == ["Running"]


async def test_a_long_message_is_cut(cluster, thing, eventually):
    async with recording(cluster) as recorder:
        recorder.tell(thing, News("Warning", "RunFailed", "x" * 5000))
        (event,) = (await eventually(lambda: of(cluster))).values()
    assert len(event["message"]) == 1024


async def test_one_that_cannot_be_written_is_dropped_and_the_next_one_comes(
    cluster, thing, eventually, caplog
):
    caplog.set_level("INFO")
    gone = {**thing, "metadata": {**thing["metadata"], "namespace": "nowhere"}}
    async with recording(cluster) as recorder:
        recorder.tell(gone, STARTED)
        recorder.tell(thing, STARTED)
        await eventually(lambda: of(cluster, reason="Running"))
    assert "Thing/lamp: Running: not written as an Event" in caplog.text


async def test_nobody_waits_and_too_many_are_dropped(cluster, thing, caplog):
    recorder = Recorder(cluster, "mlplane-controller")  # nothing writes them
    for number in range(1000):
        recorder.tell(thing, News("Normal", "Running", str(number)))
    assert "not written as an Event: too many wait" in caplog.text


async def test_one_who_may_not_write_any_more_writes_none(cluster, thing, eventually, caplog):
    caplog.set_level("INFO")

    @asynccontextmanager
    async def lost():
        raise Transient("the Lease is somebody else's")
        yield

    recorder = Recorder(cluster, "mlplane-controller", lost)
    task = asyncio.create_task(recorder.run())
    recorder.tell(thing, STARTED)
    await eventually(lambda: "the Lease is somebody else's" in caplog.text)
    task.cancel()
    assert await of(cluster) == {}
    assert await cluster.get(Ref("v1", "Namespace", "", "default"))
