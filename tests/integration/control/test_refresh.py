"""A source that is read again by its schedule, on a real API server and by a clock that the test turns."""

from datetime import timedelta

import pytest

import builders as b
import datasetcases as cases
from mlplane import names
from mlplane.api.conditions import is_current, of
from mlplane.api.refs import Query, Ref
from mlplane.engine.loop import Engine, utc_now
from mlplane.local.bootstrap import bootstrap, objects_for
from mlplane.reconcilers import dataset

DIGITS = Ref(names.API_VERSION, "Dataset", "default", "digits")
WORKFLOWS = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default")


class Scene:
    """A controller that can be replaced by a new one, and the Workflows that it makes."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.now = utc_now()
        self.restart()

    def restart(self):
        self.engine = Engine(self.cluster, [dataset], b.SETTINGS, clock=lambda: self.now)

    async def settle(self):
        """Pass after pass, until nothing changes any more."""
        version = None
        while version != (body := await self.cluster.get(DIGITS))["metadata"]["resourceVersion"]:
            version = body["metadata"]["resourceVersion"]
            await self.engine.reconcile(DIGITS)
        return body

    async def workflows(self):
        return {w["metadata"]["name"]: w for w in await self.cluster.list(WORKFLOWS)}

    async def answer(self, answer):
        """What is not finished has read this."""
        for name, workflow in (await self.workflows()).items():
            if not workflow.get("status"):
                status = b.with_status(workflow, "Succeeded", {"ingest": {"dataset": answer}})["status"]
                ref = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default", name)
                await self.cluster.patch(ref, {"status": status}, manager="argo")


@pytest.fixture
async def scene(cluster):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    body = cases.on_s3()
    body["metadata"] = {"name": "digits", "namespace": "default"}
    await cluster.create(body, manager="test")
    scene = Scene(cluster)
    await scene.settle()
    await scene.answer(b.ingest_result())
    assert is_current(await scene.settle())
    return scene


async def test_a_due_time_is_followed_once_also_by_controllers_that_come_after(scene):
    before = set(await scene.workflows())
    scene.now += timedelta(hours=5)
    scene.restart()
    await scene.settle()
    (made,) = set(await scene.workflows()) - before
    assert made == f"dataset-digits-{scene.now:%Y%m%d%H}00"
    scene.restart()
    await scene.settle()
    await scene.answer(cases.CHANGED_BYTES)
    scene.restart()
    body = await scene.settle()
    assert (body["status"]["digest"], is_current(body)) == (cases.OTHER, True)
    await scene.cluster.delete(Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, "default", made))
    scene.restart()
    await scene.settle()
    assert set(await scene.workflows()) == before


async def test_a_pin_that_is_set_reads_nothing_and_then_holds(scene):
    pin = {"spec": {"digest": b.DATA_DIGEST}}
    await scene.cluster.patch(DIGITS, pin, manager="test")
    count = len(await scene.workflows())
    assert is_current(await scene.settle())
    assert len(await scene.workflows()) == count
    scene.now += timedelta(hours=1)
    await scene.settle()
    await scene.answer(cases.CHANGED_BYTES)
    body = await scene.settle()
    assert (body["status"]["digest"], is_current(body)) == (b.DATA_DIGEST, True)
    assert of(body, "Drifted")["reason"] == "BytesChanged"
