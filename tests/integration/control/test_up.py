"""The supervisor: a whole plane of real processes that are killed in every way."""

import asyncio
import os
import signal
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from background import Background
from mlplane import names
from mlplane.api.conditions import of
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import connect
from mlplane.errors import MlplaneError, Terminal
from mlplane.local.state import State
from mlplane.local.up import running

OWN_USER = "system:serviceaccount:mlplane-system:mlplane-controller"


@contextmanager
def up_on(folder):
    """The supervisor as a process of its own, when it is ready."""
    command = [sys.executable, "-u", "-m", "mlplane.cli.main", "up", "--state", str(folder)]
    supervisor = Background(command)
    try:
        assert supervisor.line().startswith("the plane is up")
        yield supervisor.process
    finally:
        supervisor.end()


def processes_of(folder):
    """Process ids whose command line or environment names the state folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if str(folder).encode() in words and b"python" in words:
                    found.append(int(entry.name))
    return found


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "plane"


def dataset(name):
    git = {"url": "https://git.example.com/team/data.git", "path": "data", "commit": "0" * 40}
    spec = {
        "source": {"git": git},
        "format": "CSV",
        "header": "Present",
        "columns": [{"name": "x", "type": "Number"}],
        "splits": [{"name": "all", "percent": 100}],
    }
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "mlplane.dev/v1alpha1", "kind": "Dataset", "metadata": metadata, "spec": spec}


async def looked_at(cluster, name):
    """The Ready condition of a dataset; None while it has none, or the server does not answer."""
    try:
        return of(await cluster.get(Ref("mlplane.dev/v1alpha1", "Dataset", "default", name)), "Ready")
    except MlplaneError:
        return None


async def test_a_plane_gets_ready_with_its_objects_and_starts_again_without_a_write(folder):
    state = State.create(folder)
    everything = (
        Query("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        Query("v1", "ServiceAccount", "default"),
        Query("v1", "ConfigMap", "default"),
    )
    seen = []
    for _ in range(2):
        async with running(state), connect(state.kubeconfig) as cluster:
            bodies = [body for query in everything for body in await cluster.list(query)]
            seen.append(
                {(b["kind"], b["metadata"]["name"]): b["metadata"]["resourceVersion"] for b in bodies}
            )
    assert seen[0] == seen[1]
    names = {name for _, name in seen[0]}
    assert {"datasets.mlplane.dev", "workflows.argoproj.io", "mlplane-runner", "mlplane-git"} <= names
    assert processes_of(folder) == []


async def test_the_controller_knows_its_own_token_and_no_other(folder):
    state = State.create(folder)
    async with running(state) as programs:
        [controller] = [program for program in programs if program.name == "controller"]
        environment = psutil.Process(controller.pid).environ()
        assert environment["KUBECONFIG"] == str(state.controller_kubeconfig)
        assert str(state.kubeconfig) not in environment.values()
        assert state.controller_kubeconfig.stat().st_mode & 0o777 == 0o600
        assert state.token not in state.controller_kubeconfig.read_text()
        async with connect(state.controller_kubeconfig) as itself:
            assert await itself.list(Query(names.API_VERSION, "Dataset")) == []
            with pytest.raises(Terminal, match=f'"{OWN_USER}" cannot list resource "secrets"'):
                await itself.list(Query("v1", "Secret"))
            with pytest.raises(Terminal, match=f'"{OWN_USER}" cannot delete resource "datasets"'):
                await itself.delete(Ref(names.API_VERSION, "Dataset", "default", "any"))


async def test_each_process_that_is_killed_is_started_again_and_the_plane_works(folder, eventually):
    state = State.create(folder)
    async with running(state) as programs, connect(state.kubeconfig) as cluster:
        for program in programs:
            before = program.pid
            os.kill(before, signal.SIGKILL)
            await eventually(lambda p=program, before=before: p.pid not in (None, before))
            body = dataset(f"after-{program.name}")
            await eventually(lambda body=body: _applied(cluster, body))
            await eventually(lambda body=body: looked_at(cluster, body["metadata"]["name"]))
        assert [program.ended for program in programs] == [1, 1, 1]
    assert processes_of(folder) == []


async def _applied(cluster, body):
    try:
        return await cluster.apply(body, manager="test")
    except MlplaneError:
        return None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
async def test_a_signal_stops_everything(folder, number):
    with up_on(folder) as process:
        assert len(processes_of(folder)) == 4
        process.send_signal(number)
        assert process.wait(60) == 0
        assert processes_of(folder) == []


async def test_when_the_supervisor_is_killed_the_rest_stops_by_itself_and_the_state_goes_on(
    folder, eventually
):
    with up_on(folder) as first:
        async with connect(State.load(folder).kubeconfig) as cluster:
            await cluster.apply(dataset("kept"), manager="test")
        first.kill()
    async with running(State.create(folder)), connect(State.load(folder).kubeconfig) as cluster:
        await eventually(lambda: looked_at(cluster, "kept"))
    await eventually(lambda: processes_of(folder) == [])


async def test_a_second_plane_on_the_same_state_is_refused_and_the_first_is_named(folder):
    state = State.create(folder)
    async with running(state):
        with pytest.raises(Terminal, match=f"runs on this state already .process {os.getpid()}.: stop it"):
            async with running(state):
                pass
    async with running(state):
        pass


async def test_a_plane_that_cannot_start_says_why(folder):
    state = State.create(folder)
    state.database.write_text("no database")
    with pytest.raises(Terminal, match=r"apiserver does not start: .+; see .*apiserver\.log"):
        async with running(state):
            pass
    assert processes_of(folder) == []


async def test_a_controller_without_a_store_says_so():
    environment = {name: value for name, value in os.environ.items() if name != "MLPLANE_STORE"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from mlplane.controller import run; run()"),
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    _, errors = await process.communicate()
    assert process.returncode != 0
    assert b"MLPLANE_STORE is not set" in errors
