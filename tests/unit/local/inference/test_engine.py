"""The loop around the plan: what wakes it, and what it looks at again by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mlplane.api.refs import Query, Ref
from mlplane.cluster.port import Event
from mlplane.errors import Transient
from mlplane.local.inference import engine

Body = dict[str, Any]


class Restless:
    """An API server on which service ``b`` changes all the time, and whose Pods cannot be made."""

    def __init__(self, services: list[Body]) -> None:
        self.services = services
        self.written: Counter[str] = Counter()

    async def watch(self, query: Query) -> AsyncIterator[Event]:
        shown = self.services if query.kind == "InferenceService" else []
        for body in shown:
            yield Event("ADDED", body)
        yield Event("SYNCED", {})
        while True:
            await asyncio.sleep(0.01 if shown else 60)
            yield Event("MODIFIED", self.services[1])

    async def patch(self, ref: Ref, *_: Body, **__: Any) -> None:
        self.written[ref.name] += 1
        raise RuntimeError("a defect")

    async def create(self, *_: Body, **__: Any) -> None:
        raise Transient("nothing is made here")


def service(name: str) -> Body:
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "default", "uid": name, "generation": 1},
        "spec": {},
    }


async def test_every_service_is_looked_at_again_however_much_happens_to_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "RESYNC_SECONDS", 0.1)
    cluster = Restless([service("a"), service("b")])
    running = asyncio.create_task(engine.run_inference(cluster, gateway_port=0))  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        while cluster.written["a"] < 4:  # noqa: ASYNC110  the engine is in another task
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
