"""Several controllers: one works. What happens to the Lease when it is stopped, silenced or asked to stop."""

import asyncio
import os
import signal
import socket
import time
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

import builders as b
from faults.processes import Process
from faults.proxy import Answer, Hooks, proxied
from mlplane import names
from mlplane.api.refs import Query, Ref
from mlplane.engine.leadership import Leadership, Lost
from mlplane.engine.lease import Terms
from mlplane.local.bootstrap import bootstrap, objects_for

LEASE = Ref("coordination.k8s.io/v1", "Lease", names.SYSTEM_NAMESPACE, names.LEASE)
WORKFLOWS = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND)
QUICK = Terms(duration=1.0, deadline=0.6, retry=0.1)
"""For what happens when a Lease is over."""
LASTING = Terms(duration=60.0, deadline=40.0, retry=0.1)
"""For what must not take until then, however slow the machine."""


@asynccontextmanager
async def controller(server, name, kubeconfig, *arguments):
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "POD_NAME": name,
        names.STORE_ENV: "file:///nowhere",
    }
    process = Process(
        ("-m", "mlplane.cli.main", "controller", *arguments), server.state.log(name), environment
    )
    process.start()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.running.pid, signal.SIGCONT)
        process.stop()


@pytest.fixture
async def installed(cluster):
    await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
    return cluster


@pytest.fixture
async def home(cluster):
    """A cluster with the Lease's namespace and nothing else."""
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASE.namespace}}
    await cluster.apply(body, manager="test")
    return cluster


async def holder(cluster, ref=LEASE):
    return ((await cluster.get(ref) or {}).get("spec") or {}).get("holderIdentity")


async def holds(cluster, name, ref=LEASE):
    return await holder(cluster, ref) == name


async def test_a_holder_that_is_paused_in_the_middle_of_a_write_does_no_harm_when_it_wakes(
    server, installed, own_kubeconfig, eventually, tmp_path
):
    cluster, made, paused = installed, [], {}

    async def follow():
        async for event in cluster.watch(WORKFLOWS):
            if event.type == "ADDED":
                made.append(event.body)  # noqa: PERF401 - it never ends

    async def pause(request):
        """The first Workflow is under way when its writer stops; it arrives 20 s later."""
        if request.method == "POST" and request.path.endswith("/workflows") and not paused:
            paused["at"] = time.monotonic()
            os.kill(first.running.pid, signal.SIGSTOP)
            await eventually(lambda: made)
            paused["failover"] = time.monotonic() - paused["at"]
            await asyncio.sleep(max(0.0, 20 - paused["failover"]))
            os.kill(first.running.pid, signal.SIGCONT)

    following = asyncio.create_task(follow())
    async with (
        proxied(own_kubeconfig, tmp_path / "slow", Hooks(before=pause)) as proxy,
        controller(server, "first", proxy.kubeconfig) as first,
    ):
        await eventually(lambda: holds(cluster, "first"))
        async with controller(server, "second", own_kubeconfig) as second:
            await cluster.create(b.dataset(), manager="test")
            await eventually(lambda: first.running.poll() is not None)
            assert first.running.returncode == 1
            assert 10 < paused["failover"] < 15 + 15
            assert "second has taken" in first.log_file.read_text() or "in time" in first.log_file.read_text()
            assert len(made) == 1
            assert await holds(cluster, "second")
            async with controller(server, "third", own_kubeconfig):
                await eventually(lambda: "waits for its turn" in server.state.log("third").read_text())
                began = time.monotonic()
                await asyncio.to_thread(second.stop)
                await eventually(lambda: holds(cluster, "third"))
                assert time.monotonic() - began < 10  # it was given up, not over
                await cluster.create(b.dataset("other"), manager="test")
                await eventually(lambda: len(made) == 2)
    following.cancel()


async def test_a_controller_that_is_stopped_before_the_answer_to_its_claim_comes_gives_the_lease_up(
    server, installed, own_kubeconfig, eventually, tmp_path
):
    async def keep_the_answer(request, _answer):
        if request.is_lease and request.is_write and await holds(installed, "claimed"):
            os.kill(claiming.running.pid, signal.SIGTERM)
            await asyncio.sleep(0.5)

    async with (
        proxied(own_kubeconfig, tmp_path / "slow", Hooks(after=keep_the_answer)) as proxy,
        controller(server, "claimed", proxy.kubeconfig) as claiming,
    ):
        await eventually(lambda: claiming.running.poll() is not None)
    assert await holder(installed) is None


async def test_a_controller_whose_lease_is_refused_says_so_in_its_health(
    server, installed, own_kubeconfig, eventually, tmp_path
):
    async def refuse(request):
        if request.is_lease:
            return Answer(403, {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not yours"})
        return None

    async def is_red():
        with suppress(aiohttp.ClientError):
            async with aiohttp.ClientSession() as session, session.get(url) as response:
                return response.status == 503 and "not yours" in await response.text()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/healthz"
    async with (
        proxied(own_kubeconfig, tmp_path / "refusing", Hooks(before=refuse)) as proxy,
        controller(server, "refused", proxy.kubeconfig, "--liveness", url),
    ):
        await eventually(is_red)


async def test_controllers_of_different_namespaces_work_side_by_side(server, installed, eventually):
    everything = (
        server.state.kubeconfig
    )  # the rights of one in a single namespace are for its operator to give
    async with (
        controller(server, "of-dev", everything, "--namespace", "dev"),
        controller(server, "of-default", everything, "--namespace", "default"),
    ):
        for namespace in ("dev", "default"):
            ref = Ref(LEASE.api_version, LEASE.kind, LEASE.namespace, f"{names.LEASE}-{namespace}")
            await eventually(lambda ref=ref, n=namespace: holds(installed, f"of-{n}", ref))


async def test_a_holder_that_is_killed_is_followed_after_the_time_of_the_lease_and_not_before(server, home):
    """As with SIGKILL: no more renewals come, and nothing is given up."""
    silent, waiting = (Leadership(home, LEASE, name, QUICK) for name in ("silent", "waiting"))
    await silent.acquire()
    began = time.monotonic()
    await waiting.acquire()
    assert 1.0 <= time.monotonic() - began < 10
    with pytest.raises(Lost):
        silent.require()
    with pytest.raises(Lost, match="was not renewed in time"):
        await silent.keep()
    waiting.require()


async def test_a_holder_whose_lease_was_taken_stops_when_it_sees_that(home):
    holding = Leadership(home, LEASE, "holding", LASTING)
    await holding.acquire()
    await home.patch(LEASE, {"spec": {"holderIdentity": "somebody"}}, manager="test")
    with pytest.raises(Lost, match="somebody has taken"):
        await holding.keep()
    with pytest.raises(Lost):
        holding.require()


async def test_a_holder_with_the_same_name_goes_on_at_once(home):
    before, after = (Leadership(home, LEASE, "pod", LASTING) for _ in range(2))
    await before.acquire()
    began = time.monotonic()
    await after.acquire()
    assert time.monotonic() - began < 30


async def test_a_holder_that_gives_up_is_followed_at_once_and_writes_nothing_any_more(home):
    leaving, coming = (Leadership(home, LEASE, name, LASTING) for name in ("leaving", "coming"))
    await leaving.acquire()
    await leaving.give_up()
    assert await holder(home) is None
    with pytest.raises(Lost):
        leaving.require()
    await coming.acquire()
    await leaving.give_up()
    assert await holds(home, "coming")


async def test_two_that_come_at_once_are_not_both_holders(home):
    several = [Leadership(home, LEASE, f"c{n}", LASTING) for n in range(4)]
    tasks = [asyncio.create_task(one.acquire()) for one in several]
    done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    assert len(done) == 1
    for task in others:
        task.cancel()


async def test_a_holder_that_cannot_renew_stops_in_time(server, home):
    terms = Terms(duration=20.0, deadline=1.0, retry=0.1)
    holding = Leadership(home, LEASE, "cut-off", terms)
    await holding.acquire()
    server.kill()
    began = time.monotonic()
    with pytest.raises(Lost):
        await holding.keep()
    assert time.monotonic() - began < terms.duration


async def test_a_lease_whose_fields_make_no_sense_is_taken_in_the_end(home):
    made = {"apiVersion": LEASE.api_version, "kind": LEASE.kind}
    made["metadata"] = {"name": LEASE.name, "namespace": LEASE.namespace}
    made["spec"] = {"holderIdentity": "nobody knows", "leaseDurationSeconds": 10**9}
    await home.create(made, manager="test")
    one = Leadership(home, LEASE, "one", QUICK)
    await asyncio.wait_for(one.acquire(), 60)
