"""A namespace of a real API server, and a repository whose directory dev/ an agent keeps it at.

The API server is the local plane's; with MLPLANE_TEST_KUBECONFIG it is any other one, which has the kinds.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import KubeCluster, connect
from mlplane.local import following as agent
from mlplane.local.following import Source, follow
from mlplane.local.state import State
from mlplane.schema.crds import crd_for

DIRECTORY = "dev"


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory) -> Iterator[Path]:
    """Of a running API server."""
    if given := os.environ.get("MLPLANE_TEST_KUBECONFIG"):
        yield Path(given)
        return
    state = State.create(tmp_path_factory.mktemp("plane"))
    command = [sys.executable, "-m", "mlplane.local.apiserver", "--state", str(state.root)]
    process = subprocess.Popen(command)
    try:
        wait_for_port(state.api_port, process)
        yield state.kubeconfig
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the server takes connections."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the API server has ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise AssertionError("the API server does not answer")


@pytest.fixture
async def cluster(kubeconfig) -> AsyncIterator[KubeCluster]:
    """The server with the five kinds and a namespace of the test's own, which is its ``namespace``."""
    async with connect(kubeconfig) as found:
        for kind in KINDS:
            await eventually(lambda kind=kind: _has_kind(found, kind))
        found.namespace = f"agent-{uuid.uuid4().hex[:8]}"
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found.namespace}}
        await found.create(space, manager="test")
        yield found
        await found.delete(Ref("v1", "Namespace", "", found.namespace))


async def _has_kind(cluster: KubeCluster, kind: str) -> bool:
    try:
        await cluster.apply(crd_for(KINDS[kind]), manager="test")
        await cluster.list(Query(names.API_VERSION, kind, "default"))
    except Exception:  # noqa: BLE001 - it starts; what is wrong in the end shows in the test
        return False
    return True


async def eventually(ask: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true answer of an asynchronous question."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not (answer := await ask()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {seconds} s; last: {answer!r}"
        await asyncio.sleep(0.02)
    return answer


@pytest.fixture(name="eventually_")
def _eventually():
    return eventually


class Repository:
    """A GitOps repository of one person."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / DIRECTORY).mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", "https://git.example.com/team/digits.git")
        self.commit()

    def write(self, name: str, text: str) -> None:
        (self.root / DIRECTORY / name).write_text(text)

    def remove(self, *files: str) -> None:
        for name in files:
            (self.root / DIRECTORY / name).unlink()

    def commit(self, message: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "repo")


@pytest.fixture
def key(tmp_path) -> Path:
    """An SSH key of somebody; the public one lies beside it."""
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    return file


@pytest.fixture
def impatient(monkeypatch) -> None:
    """An agent that compares a namespace with its commit all the time."""
    monkeypatch.setattr(agent, "CHECK_SECONDS", 0.05)


@pytest.fixture
def following(cluster, repository):
    """A running agent, as a context."""

    @asynccontextmanager
    async def run(
        path: str | None = DIRECTORY, repo: Path | None = None, **options: Any
    ) -> AsyncIterator[None]:
        source = Source(repo or repository.root, path, "main", cluster.namespace, **options)
        task = asyncio.create_task(follow(cluster, source))
        try:
            yield
            assert not task.done(), task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run


@pytest.fixture
def outcome(cluster):
    """The agent's record, once it speaks of a commit."""

    async def of(commit: str, wanted: str = "") -> dict[str, str]:
        async def ask() -> dict[str, str] | None:
            body = await cluster.get(Ref("v1", "ConfigMap", cluster.namespace, "mlplane-gitops"))
            data = (body or {}).get("data") or {}
            return (
                data
                if data.get("commit") == commit and data["outcome"] == (wanted or data["outcome"])
                else None
            )

        return await eventually(ask)

    return of


@pytest.fixture
def servers(cluster):
    """The ModelServers of the namespace by name, without those that are being deleted."""

    async def read() -> dict[str, dict[str, Any]]:
        found = await cluster.list(Query(names.API_VERSION, "ModelServer", cluster.namespace))
        return {b["metadata"]["name"]: b for b in found if not b["metadata"].get("deletionTimestamp")}

    return read


@pytest.fixture
def all_events(cluster):
    """The Events that the agent has written."""

    async def read() -> list[dict[str, Any]]:
        found = await cluster.list(Query("v1", "Event", cluster.namespace))
        return [event for event in found if event["source"]["component"] == names.GITOPS_MANAGER]

    return read


@pytest.fixture
def events(all_events):
    """The first Event of a reason, once there is one."""

    async def first(reason: str, about: str = "mlplane-gitops", commit: str = "") -> dict[str, Any]:
        async def ask() -> dict[str, Any] | None:
            for event in await all_events():
                key = (event["reason"], event["involvedObject"]["name"])
                if key == (reason, about) and commit[:12] in event["message"]:
                    return event
            return None

        return await eventually(ask)

    return first
