"""An engine that crashes is started again."""

import asyncio

import pytest

from mlplane.local import engines


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
