"""The controller has the rights that it needs, and no others; shown by a story that it brings to its end."""

from pathlib import Path

import pytest

from faults.processes import answers, apiserver, eventually
from mlplane import names
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api.refs import Ref
from mlplane.cluster.kube import connect
from mlplane.local.bootstrap import bootstrap
from mlplane.local.state import NAMESPACE, State
from mlplane.settings import DEFAULT_IMAGE
from story import Story, granted, telling

pytestmark = pytest.mark.timeout(300)


async def test_the_controller_uses_every_right_that_its_manifests_give_and_lacks_none(tmp_path: Path):
    state = State.create(tmp_path / "server")
    server = apiserver(state)
    server.start()
    try:
        async with connect(state.kubeconfig) as cluster:
            await eventually(lambda: answers(cluster), "the API server answers")
            await bootstrap(cluster, [serving_runtime(DEFAULT_IMAGE)], while_=lambda: None)
            async with telling(state.kubeconfig, tmp_path / "story") as story:
                await story.wait_until_served()
                await _change_runs(story)
    finally:
        server.stop()
    assert story.refused == []
    assert sorted(granted() - story.used) == []
    assert sorted(story.used - granted()) == []


async def _change_runs(story: Story) -> None:
    """A finished run that is to be forgotten, and one that is suspended before it starts."""
    run = Ref(names.API_VERSION, "TrainingRun", NAMESPACE, "digits-1")
    found = await story.cluster.get(run) or {}
    later = {"name": "later", "namespace": NAMESPACE}
    await story.cluster.create(
        {**found, "metadata": later, "spec": {**found["spec"], "suspend": True}, "status": {}}, manager="test"
    )
    await story.cluster.patch(run, {"spec": {"ttlSecondsAfterFinished": 0}}, manager="test")
    workflow = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, NAMESPACE, "digits-1-1")

    async def is_forgotten() -> bool:
        return await story.cluster.get(workflow) is None

    async def is_suspended() -> bool:
        return (await story.condition("TrainingRun", "later", names.SUSPENDED)).get("status") == "True"

    await eventually(is_forgotten, "the Workflow is deleted", 60)
    await eventually(is_suspended, "the other run is suspended", 60)
    assert (await story.condition("TrainingRun", "digits-1", "Complete")).get("status") == "True"
