"""The proxy changes nothing until a hook says so, and then exactly that."""

import asyncio
import json
import time
from contextlib import aclosing, asynccontextmanager

import aiohttp
import pytest

from faults.processes import answers, apiserver, eventually
from faults.proxy import Answer, Hooks, Reset, Trickle, proxied
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import connect
from mlplane.errors import Terminal, Transient
from mlplane.local.podfolder import PodFolder
from mlplane.local.state import State

# Connections are broken off here; on a busy machine the loop of a test may end before the last has gone.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
MAPS = Query("v1", "ConfigMap", "default")


def config_map(name, **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }


def ref(name):
    return Ref("v1", "ConfigMap", "default", name)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    state = State.create(tmp_path_factory.mktemp("plane"))
    process = apiserver(state)
    process.start()
    yield process, state
    process.stop()


@pytest.fixture
async def direct(server):
    """The server without a proxy, empty."""
    process, state = server
    if process.running.poll() is not None:
        process.start()
    async with connect(state.kubeconfig) as cluster:
        await eventually(lambda: answers(cluster), "the API server answers")
        for body in await cluster.list(MAPS):
            await cluster.delete(ref(body["metadata"]["name"]))
        yield cluster


@pytest.fixture
def through(server, direct, tmp_path):
    """``async with through(hooks) as (proxy, cluster)``."""

    @asynccontextmanager
    async def open_(hooks=None):
        file = tmp_path / "kubeconfig"
        async with proxied(server[1].kubeconfig, file, hooks) as proxy, connect(file) as cluster:
            yield proxy, cluster

    return open_


@asynccontextmanager
async def watched(cluster):
    """The events of a watch, in a queue."""
    seen = asyncio.Queue()

    async def follow():
        async with aclosing(cluster.watch(MAPS)) as events:
            async for event in events:
                seen.put_nowait((event.type, event.body.get("metadata", {}).get("name")))

    task = asyncio.create_task(follow())
    try:
        async with asyncio.timeout(60):
            yield seen
    finally:
        task.cancel()


async def test_what_comes_through_is_what_the_server_says(through, direct):
    async with through() as (proxy, cluster):
        created = await cluster.create(config_map("a", text="ü%/"), manager="test")
        assert await cluster.get(ref("a")) == created == await direct.get(ref("a"))
        assert await cluster.create(config_map("a"), manager="test") is None
        applied = await cluster.apply(config_map("b"), manager="test")
        assert {b["metadata"]["name"] for b in await cluster.list(MAPS)} >= {"a", "b"}
        await cluster.patch(ref("a"), {"data": {"more": "1"}}, manager="test")
        assert (await direct.get(ref("a")))["data"] == {"text": "ü%/", "more": "1"}
        await cluster.delete(ref("b"), uid=applied["metadata"]["uid"])
        assert await direct.get(ref("b")) is None
        with pytest.raises(Terminal, match="422"):
            await cluster.create(config_map("No Name"), manager="test")
        assert proxy.writes == 6


async def test_the_kubeconfig_is_for_its_owner_and_a_client_without_a_token_gets_that_of_the_file(through):
    async with through() as (proxy, _), aiohttp.ClientSession() as session:
        assert proxy.kubeconfig.stat().st_mode & 0o777 == 0o600
        async with session.get(f"{proxy.url}/api/v1/namespaces/default") as response:
            assert response.status == 200
        wrong = {"Authorization": "Bearer guessed"}
        async with session.get(f"{proxy.url}/api/v1/namespaces/default", headers=wrong) as response:
            assert response.status == 401


async def test_events_come_through_one_by_one_and_the_watch_ends_with_its_client(through, direct):
    async with through() as (proxy, cluster):
        async with watched(cluster) as seen:
            await eventually(lambda: not seen.empty(), "the watch has begun")
            while seen.get_nowait()[0] != "SYNCED":
                pass
            for name in ("a", "b"):
                await direct.create(config_map(name), manager="test")
                assert await seen.get() == ("ADDED", name)
            await direct.delete(ref("a"))
            assert await seen.get() == ("DELETED", "a")
        await eventually(lambda: not proxy._clients, "nothing is left of the watch")


async def test_a_log_is_followed_line_by_line(through, server, direct):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"nodeName": "a-node", "containers": [{"name": "main", "image": "i"}]},
    }
    made = await direct.create(pod, manager="test")
    state = {"name": "main", "state": {"running": {}}}
    status = {"status": {"containerStatuses": [state]}}
    await direct.patch(Ref("v1", "Pod", "default", "p"), status, manager="test", subresource="status")
    folder = PodFolder(server[1].pod(made["metadata"]["uid"]))
    folder.make()
    with folder.log("main").open("w") as log:
        async with through() as (_, cluster), asyncio.timeout(60):
            lines = cluster.logs(Ref("v1", "Pod", "default", "p"), "main", follow=True)
            async with aclosing(lines):
                for line in ("one", "two"):
                    log.write(f"{line}\n")
                    log.flush()
                    assert await anext(lines) == line


async def test_a_write_is_stopped_before_the_server_sees_it(through, direct):
    async def before(request):
        return Reset() if request.write == 2 else None

    async with through(Hooks(before=before)) as (_, cluster):
        await cluster.create(config_map("a"), manager="test")
        with pytest.raises(Transient, match="no answer"):
            await cluster.create(config_map("b"), manager="test")
        assert await direct.get(ref("b")) is None
        await cluster.create(config_map("c"), manager="test")


async def test_a_write_is_committed_and_its_reply_is_lost(through, direct):
    replies = []

    async def after(request, reply):
        if request.is_write:
            replies.append((str(request), reply.status, json.loads(reply.body)["kind"]))
            return Reset()
        return None

    async with through(Hooks(after=after)) as (proxy, cluster):
        with pytest.raises(Transient, match="no answer"):
            await cluster.create(config_map("a"), manager="test")
        assert await direct.get(ref("a"))
        assert replies == [("POST /api/v1/namespaces/default/configmaps", 201, "ConfigMap")]
        proxy.hooks = Hooks()
        assert await cluster.get(ref("a"))


async def test_a_hook_answers_in_place_of_the_server(through, direct):
    body = {"kind": "Status", "reason": "InternalError", "code": 500, "message": "by the hook"}

    async def before(request):
        return Answer(500, body) if request.is_write else None

    async with through(Hooks(before=before)) as (_, cluster):
        with pytest.raises(Transient, match="500: by the hook"):
            await cluster.create(config_map("a"), manager="test")
        assert await direct.get(ref("a")) is None


async def test_an_answer_trickles(through, direct):
    made = await direct.create(config_map("a"), manager="test")

    async def after(request, _reply):
        return Trickle(1000) if "configmaps" in request.path else None

    async with through(Hooks(after=after)) as (_, cluster):
        started = time.monotonic()
        assert await cluster.get(ref("a")) == made
        assert time.monotonic() - started > 0.5 * len(json.dumps(made)) / 1000


async def test_single_events_are_dropped_doubled_and_changed(through, direct):
    async def event(_request, event):
        match event["object"]["metadata"].get("name"):
            case "dropped":
                return []
            case "changed":
                event["type"] = "DELETED"
                return [event]
        return [event]

    async with through(Hooks(event=event)) as (_, cluster), watched(cluster) as seen:
        while (await seen.get())[0] != "SYNCED":
            pass
        for name in ("dropped", "changed", "passed"):
            await direct.create(config_map(name), manager="test")
        assert [await seen.get() for _ in range(2)] == [("DELETED", "changed"), ("ADDED", "passed")]


async def test_a_watch_is_broken_by_its_hook_and_by_the_test_and_the_client_goes_on(through, direct):
    broken = []

    async def event(_request, event):
        if not broken:
            broken.append(event)
            return Reset()
        return [event]

    async with through(Hooks(event=event)) as (proxy, cluster), watched(cluster) as seen:
        while (await seen.get())[0] != "SYNCED":
            pass
        await direct.create(config_map("a"), manager="test")
        assert await seen.get() == ("ADDED", "a")
        proxy.reset_all()
        await direct.create(config_map("b"), manager="test")
        assert await seen.get() == ("ADDED", "b")
    assert broken


async def test_a_killed_server_looks_killed_through_the_proxy(through, server):
    process, _ = server
    async with through() as (_, cluster):
        assert await answers(cluster)
        process.kill()
        with pytest.raises(Transient, match="no answer"):
            await cluster.get(ref("a"))
        process.start()
        await eventually(lambda: answers(cluster), "the API server answers again")
