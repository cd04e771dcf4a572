"""An engine that crashes is started again."""

import asyncio

import pytest

from mlplane.local import engines
from mlplane.local.node import refusals
from mlplane.local.programs import Allowed, programs
from mlplane.local.state import State


@pytest.mark.parametrize("fault", [RuntimeError("crashed"), None], ids=["it fails", "it ends"])
async def test_an_engine_is_run_again_when(fault, monkeypatch, caplog):
    monkeypatch.setattr(engines, "FIRST_DELAY_S", 0.01)
    runs, third = [], asyncio.Event()

    async def run():
        runs.append(1)
        if len(runs) == 3:
            third.set()
            await asyncio.Event().wait()
        if fault:
            raise fault

    task = asyncio.create_task(engines.keep_running("player", run))
    await asyncio.wait_for(third.wait(), 3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(runs) == 3
    assert "player" in caplog.text


def test_images_that_the_operator_allows_are_run_beside_mlplanes_own(tmp_path):
    state = State.create(tmp_path)
    _, _, program = programs(state, None, Allowed(images=("busybox:*", "python:*")))
    assert program.arguments[-2:] == ("--allow-image=busybox:*", "--allow-image=python:*")
    pod = {"spec": {"containers": []}}
    for image in ("busybox:1.36", "ghcr.io/mlplane/runtime:1"):
        refusals.check(
            pod, {"name": "main", "image": image, "command": ["true"]}, (*engines.IMAGES, "busybox:*")
        )
    with pytest.raises(refusals.CannotStart, match="image 'alpine:3' is not run here"):
        refusals.check(pod, {"image": "alpine:3", "command": ["true"]}, (*engines.IMAGES, "busybox:*"))
