"""Watches that lose events: what is lost is woken all the same, and health is red until they catch up."""

import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from faults.proxy import Answer, Hooks, Reset, proxied
from mlplane import handlers
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.kube import connect
from mlplane.engine.endpoint import answering
from mlplane.engine.looks import Looks, Pace
from mlplane.errors import InvalidInput

THINGS = Query("tests.mlplane.dev/v1", "Thing", "default")
QUICK = Pace(period=0.4, second=0.2, patience=1.0)


def ref(name):
    return Ref(THINGS.api_version, THINGS.kind, "default", name)


class World:
    """Kopf's watch of Things through a proxy, the looks, and what they have woken."""

    def __init__(self, proxy, looks, url, cluster):
        self.proxy, self.looks, self.url, self.cluster = proxy, looks, url, cluster
        self.woken, self.told = [], []

    async def health(self):
        async with aiohttp.ClientSession() as session, session.get(self.url) as response:
            return response.status, await response.text()

    async def is_green(self):
        return (await self.health())[0] == 200

    async def is_red(self):
        return (await self.health())[0] == 503


@pytest.fixture
async def world(server, cluster, things, tmp_path, monkeypatch):
    """With one Thing, of which the watch has told."""
    await things("known")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "through-the-proxy"))
    async with (
        proxied(server.state.kubeconfig, tmp_path / "through-the-proxy") as proxy,
        _at_work(proxy) as world,
    ):
        await _until(lambda: ref("known") in world.told)
        yield world


@asynccontextmanager
async def _at_work(proxy):
    anew = asyncio.Event()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/healthz"
    async with connect() as cluster:
        world = World(proxy, None, url, cluster)
        world.looks = Looks(cluster, [THINGS], lambda body: world.woken.append(ref_of(body)), anew.set, QUICK)

        def tell(body, gone):
            world.told.append(ref_of(body))
            world.looks.tell(body, gone=gone)

        async with answering(url, world.looks.troubles):
            tasks = [
                asyncio.create_task(world.looks.run()),
                asyncio.create_task(handlers.watch([THINGS], tell, anew)),
            ]
            yield world
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _until(look, seconds=60.0):
    async with asyncio.timeout(seconds):
        while True:
            found = look()
            if await found if asyncio.iscoroutine(found) else found:
                return
            await asyncio.sleep(0.02)


async def nothing(_request, _event):
    return []


@pytest.mark.parametrize("change", ["create", "patch", "delete"])
async def test_what_a_watch_does_not_tell_is_woken_and_makes_health_red_until_it_has_caught_up(
    world, things, change
):
    await _until(world.is_green)
    world.proxy.hooks = Hooks(event=nothing)
    name = "new" if change == "create" else "known"
    if change == "create":
        await things("new")
    elif change == "patch":
        await world.cluster.patch(ref("known"), {"spec": {"more": 1}}, manager="test")
    else:
        await world.cluster.delete(ref("known"))
    await _until(lambda: ref(name) in world.woken)
    await _until(world.is_red)
    text = (await world.health())[1]
    assert text.startswith("the watch of Thing is stale since 20")
    assert f"default/{name} has version" in text
    world.proxy.hooks = Hooks()
    # The connection is whole, so nothing but a new beginning can tell what was lost.
    await _until(world.is_green)


async def test_events_that_come_twice_late_or_in_another_order_are_no_trouble(world, things):
    held = []

    async def shuffled(_request, event):
        held.append(event)
        return [event, *reversed(held), event]

    world.proxy.hooks = Hooks(event=shuffled)
    for number in range(5):
        await world.cluster.patch(ref("known"), {"spec": {"number": number}}, manager="test")
    await _until(lambda: world.told.count(ref("known")) >= 6)
    world.woken.clear()
    looks = world.proxy.requests
    await _until(lambda: world.proxy.requests > looks + 4)
    assert await world.is_green()


class Listed:
    """All of the cluster that looks need: there is one object more than the watch tells of."""

    async def versions(self, _query):
        return {ref("never-told"): "9"}


@pytest.mark.parametrize(
    ("tells", "begun"), [(True, False), (False, True)], ids=["goes on telling", "is silent"]
)
async def test_a_watch_that_misses_something_is_begun_anew_only_when_it_says_nothing_any_more(tells, begun):
    """A first list of thousands of objects takes a while, and must not be broken off for ever."""
    anew = asyncio.Event()
    looks = Looks(Listed(), [THINGS], lambda _: None, anew.set, Pace(period=0.05, second=0.05, patience=0.3))
    task = asyncio.create_task(looks.run())
    body = {
        "apiVersion": THINGS.api_version,
        "kind": "Thing",
        "metadata": {"name": "x", "namespace": "default"},
    }
    for version in range(1, 100):
        if tells:
            looks.tell(body | {"metadata": body["metadata"] | {"resourceVersion": str(version)}}, gone=False)
        await asyncio.sleep(0.01)
    task.cancel()
    assert anew.is_set() is begun
    assert "never-told has version 9" in looks.troubles()[0]


async def test_a_kopf_that_ends_is_begun_anew(world, things, caplog):
    """As it does when a watch is answered with 410; the process and the Lease outlive that."""

    async def gone(request):
        if request.is_watch and "/things" in request.path:
            world.proxy.hooks = Hooks()
            return Answer(410, {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"})
        return None

    async def broken(_request, _event):
        return Reset()

    world.proxy.hooks = Hooks(before=gone, event=broken)
    await things("new")
    await _until(lambda: ref("new") in world.told)
    assert "watches are begun anew" in caplog.text
    await _until(world.is_green)


@pytest.mark.parametrize(
    "url", ["https://0.0.0.0:1/x", "nonsense", "http://", "http://x:99999999/", "http://[/"]
)
async def test_an_address_for_probes_that_makes_no_sense_is_refused(url):
    with pytest.raises(InvalidInput, match="such as http"):
        async with answering(url, list):
            pass


async def test_an_address_for_probes_that_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InvalidInput, match="cannot listen there"):
            async with answering(f"http://127.0.0.1:{taken.getsockname()[1]}/healthz", list):
                pass
