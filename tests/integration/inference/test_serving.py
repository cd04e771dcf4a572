"""An InferenceService from manifest to prediction; engine, node, downloads and model servers are real."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mlplane.store.artifacts import Store

pytestmark = pytest.mark.timeout(300)
AddModel = Callable[[Store, float], str]


@pytest.fixture
def store(world: Any) -> Store:
    return Store(world.state.store_url)


async def eventually(ask: Any, want: Any, seconds: float = 60) -> None:
    """Wait until an answer is the wanted one."""
    last = None
    try:
        async with asyncio.timeout(seconds):
            while (last := await ask()) != want:  # noqa: ASYNC110  what is waited for is in another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{last!r} is not {want!r}") from None


async def test_a_service_predicts_rolls_without_an_error_survives_the_engine_and_goes(
    world: Any, store: Store, add_model: AddModel
) -> None:
    one, two = add_model(store, 1.0), add_model(store, 2.0)
    await eventually(lambda: status_of(world), 404)

    await world.apply(one)
    service = await world.wait_ready()
    assert service["status"]["url"] == f"http://digits-{world.namespace}.localhost:{world.gateway_port}"
    assert service["status"]["modelStatus"]["transitionStatus"] == "UpToDate"
    assert await world.predict() == (200, {"predictions": [[2.0]]})

    answers: list[tuple[int, Any]] = []
    rolled = asyncio.Event()

    async def load() -> None:
        while not rolled.is_set():
            answers.append(await world.predict())

    clients = [asyncio.create_task(load()) for _ in range(3)]
    (old,) = await world.pods()
    await world.apply(two)
    await world.wait_ready()
    assert await world.predict() == (200, {"predictions": [[3.0]]})
    await eventually(lambda: names_without(world, old), [])
    rolled.set()
    await asyncio.gather(*clients)
    assert [answer for answer in answers if answer[0] != 200] == []
    values = [answer["predictions"][0][0] for _, answer in answers]
    assert values == sorted(values), "an answer of the old model came after one of the new"

    (before,) = await world.pods()
    world.tasks[1].cancel()
    await asyncio.gather(world.tasks[1], return_exceptions=True)
    world.start_engine()
    await eventually(lambda: status_of(world), 200)
    (after,) = await world.pods()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]

    version = (await world.service())["metadata"]["resourceVersion"]
    await asyncio.gather(*(world.predict() for _ in range(20)))
    assert (await world.service())["metadata"]["resourceVersion"] == version, (
        "a settled service is not written"
    )

    await world.cluster.delete(world.ref())
    await eventually(lambda: status_of(world), 404)
    await eventually(world.pods, [])


async def names_without(world: Any, pod: Any) -> list[str]:
    """The pod, as long as it is there."""
    return [
        p["metadata"]["name"] for p in await world.pods() if p["metadata"]["uid"] == pod["metadata"]["uid"]
    ]


async def status_of(world: Any) -> int | None:
    try:
        return (await world.predict())[0]
    except OSError:
        return None
