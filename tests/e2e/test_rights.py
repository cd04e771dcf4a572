"""The controller has the rights that it needs, and no others; shown by a story that it brings to its end."""

from pathlib import Path

import pytest

from faults.processes import answers, apiserver, eventually
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.cluster.kube import connect
from mlplane.local.bootstrap import bootstrap
from mlplane.local.state import State
from mlplane.settings import DEFAULT_IMAGE
from story import granted, telling

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
                await story.change_runs()
                complete = await story.condition("TrainingRun", "digits-1", "Complete")
                assert complete["status"] == "True"
    finally:
        server.stop()
    assert story.refused == []
    assert sorted(granted() - story.used) == []
    assert sorted(story.used - granted()) == []
