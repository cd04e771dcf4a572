"""A real API server, and the engines as a process over it that a test may kill and start again.

With MLPLANE_TEST_KUBECONFIG the same tests run against that API server, such as a real kube-apiserver.
"""

import asyncio
import inspect
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.kube import connect
from mlplane.cluster.port import Cluster
from mlplane.errors import MlplaneError
from mlplane.local.node import runs, shim
from mlplane.local.node.ending import Ending
from mlplane.local.podfolder import PodFolder
from mlplane.local.state import State
from mlplane.schema.foreign import foreign_crds

Body = dict[str, Any]
IMAGE = "ghcr.io/mlplane/runtime:test"
NAMESPACE = "node-test"
MANAGER = "test"
PODS = Query("v1", "Pod", NAMESPACE)
WORKFLOWS = Query("argoproj.io/v1alpha1", "Workflow", NAMESPACE)


async def eventually(ask: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer of an async question."""
    deadline, answer = time.monotonic() + seconds, None
    while not (answer := await ask()):
        assert time.monotonic() < deadline, f"it did not come to that; last answer: {answer!r}"
        await asyncio.sleep(0.02)
    return answer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """State folder and kubeconfig of an API server that runs."""
    root = tmp_path_factory.mktemp("state")
    if given := os.environ.get("MLPLANE_TEST_KUBECONFIG"):
        yield root, Path(given)
        return
    state = State.create(root)
    command = [sys.executable, "-m", "mlplane.local.apiserver", "--state", str(root)]
    with (
        state.log("apiserver").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
    ):
        try:
            yield root, state.kubeconfig
        finally:
            process.terminate()


@dataclass
class World:
    """The API server's objects, the engines' process, and the files of pods."""

    cluster: Cluster
    kubeconfig: Path
    root: Path
    process: subprocess.Popen[bytes] | None = None
    errors: Path = field(init=False)

    def __post_init__(self) -> None:
        self.errors = self.root / "engines.log"

    def start(self, backoff: float = 0.2, **environment: str) -> None:
        assert self.process is None
        script = str(Path(__file__).parent / "run_engines.py")
        with self.errors.open("ab") as log:
            command = [sys.executable, script, str(self.kubeconfig), str(self.root), str(backoff)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    async def stop(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.wait, 60)
        self.process = None

    # Objects.

    async def pod(
        self,
        name: str,
        script: str = "true",
        *,
        policy: str = "Never",
        spec: Body | None = None,
        **container: Any,
    ) -> None:
        """Create a pod whose container ``main`` is a shell script."""
        main = {"name": "main", "image": IMAGE, "command": ["/bin/sh", "-c", script], **container}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "nodeName": "mlplane-local",
                "restartPolicy": policy,
                "automountServiceAccountToken": False,
                "containers": [main],
                **(spec or {}),
            },
        }
        assert await self.cluster.create(body, manager=MANAGER)

    async def workflow(self, name: str, groups: list[list[Body]], *templates: Body, **spec: Any) -> None:
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Workflow",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "entrypoint": "entry",
                "automountServiceAccountToken": False,
                "templates": [{"name": "entry", "steps": groups}, *templates],
                **spec,
            },
        }
        assert await self.cluster.create(body, manager=MANAGER)

    async def get(self, kind: str, name: str) -> Body:
        version = "argoproj.io/v1alpha1" if kind == "Workflow" else "v1"
        return await self.cluster.get(Ref(version, kind, NAMESPACE, name)) or {}

    async def wait_for(
        self, kind: str, name: str, holds: Callable[[Body], Any], seconds: float = 60.0
    ) -> Body:
        """The object, once this holds of its status."""
        found: Body = {}

        async def ask() -> bool:
            nonlocal found
            found = await self.get(kind, name)
            return bool(found and holds(found.get("status") or {}))

        try:
            await eventually(ask, seconds)
        except AssertionError as error:
            raise AssertionError(
                f"{kind} {name}: {found.get('status')}\n{self.errors.read_text()[-3000:]}"
            ) from error
        return found

    async def phase(self, kind: str, name: str, *wanted: str, seconds: float = 60.0) -> Body:
        return await self.wait_for(kind, name, lambda s: s.get("phase") in wanted, seconds)

    async def node(self, workflow: str, name: str) -> Body:
        """A node of a workflow by its name; empty if it is not there."""
        nodes = ((await self.get("Workflow", workflow)).get("status") or {}).get("nodes") or {}
        return next((n for n in nodes.values() if n["name"] == f"{workflow}{name}"), {})

    async def pod_of(self, workflow: str, node: str) -> Body:
        """The pod of a workflow's node; empty if it is not there."""
        for pod in await self.cluster.list(PODS):
            if (pod["metadata"].get("annotations") or {}).get(
                "workflows.argoproj.io/node-name"
            ) == f"{workflow}{node}":
                return pod
        return {}

    @staticmethod
    def pods_of(workflow: str) -> Query:
        """All pods of a workflow."""
        return Query("v1", "Pod", NAMESPACE, labels=(("workflows.argoproj.io/workflow", workflow),))

    # Files and processes.

    def folder(self, pod: Body) -> PodFolder:
        return PodFolder(self.root / "pods" / pod["metadata"]["uid"])

    def log(self, pod: Body, container: str = "main") -> str:
        path = self.folder(pod).log(container)
        return path.read_text() if path.exists() else ""

    def run(self, pod: Body, container: str = "main") -> runs.Run:
        """The latest attempt."""
        return runs.read(self.folder(pod), container)[-1]

    def running(self) -> list[int]:
        """Process numbers of all containers that run."""
        folders = [PodFolder(path) for path in (self.root / "pods").glob("*")]
        latest = [run for folder in folders for run in runs.read_latest(folder)]
        return [run.pid for run in latest if run.pid and run.identity.endswith(str(shim.start_time(run.pid)))]

    def shim_of(self, pod: Body) -> int:
        """Process number of the shim of the first attempt."""
        return int(json.loads((self.folder(pod).attempts("main") / "0" / "shim.json").read_text())["pid"])

    # Waiting and changing.

    async def until(
        self, ask: Callable[[], Any], holds: Callable[[Any], Any] = bool, seconds: float = 60.0
    ) -> Any:
        """The first answer (which may be awaited) of which this holds."""

        async def once() -> list[Any]:
            answer = ask()
            answer = await answer if inspect.isawaitable(answer) else answer
            return [answer] if holds(answer) else []

        return (await eventually(once, seconds))[0]

    @staticmethod
    async def pause(seconds: float) -> None:
        """Let some time pass, where a test wants an arbitrary moment."""
        await asyncio.sleep(seconds)

    async def change(self, kind: str, name: str, patch: Body) -> None:
        assert await self.cluster.patch(ref_of(await self.get(kind, name)), patch, manager=MANAGER)

    async def wait_gone(self, name: str) -> None:
        await self.until(lambda: self.get("Pod", name), lambda body: not body)

    async def wait_for_files_gone(self, pod: Body) -> None:
        await self.until(lambda: not self.folder(pod).root.exists())

    async def delete_at_once(self, pod: Body) -> None:
        """Delete the object while no node runs."""
        await self.cluster.delete(ref_of(pod), uid=pod["metadata"]["uid"], grace_seconds=0)
        await self.wait_gone(pod["metadata"]["name"])

    async def forget(self, pod: Body) -> None:
        """End a pod's processes behind the node's back, and remove its folder."""
        await Ending(self.folder(pod), grace=0.0).end_all()
        self.folder(pod).remove()

    async def clean(self) -> None:
        """Delete everything, with engines that see to it."""
        for query in (WORKFLOWS, PODS):
            for body in await self.cluster.list(query):
                await self.cluster.delete(ref_of(body))
        if self.process is None:
            self.start()

        async def is_empty() -> bool:
            return not await self.cluster.list(PODS) and not list((self.root / "pods").glob("*"))

        await eventually(is_empty)
        await self.stop()
        assert self.running() == []


@pytest.fixture
async def world(server: tuple[Path, Path]) -> AsyncIterator[World]:
    """Engines that do not run yet, and a namespace with nothing in it."""
    root, kubeconfig = server
    async with connect(kubeconfig) as cluster:
        made = World(cluster, kubeconfig, root)
        await _prepare(cluster)
        try:
            yield made
        finally:
            await made.clean()


async def _prepare(cluster: Cluster) -> None:
    async def try_it() -> bool:
        try:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
            await cluster.create(namespace, manager=MANAGER)
            await cluster.apply(foreign_crds()[0], manager=MANAGER)
            await cluster.list(WORKFLOWS)
            await cluster.list(PODS)
        except (MlplaneError, aiohttp.ClientError):
            return False
        return True

    await eventually(try_it)


@pytest.fixture
def step() -> Callable[..., Body]:
    """One step that calls the template of its name."""

    def make(name: str, when: str = "", **arguments: str) -> Body:
        given = [{"name": k, "value": v} for k, v in arguments.items()]
        made: Body = {"name": name, "template": name, "arguments": {"parameters": given}}
        return made | ({"when": when} if when else {})

    return make


@pytest.fixture
def script() -> Callable[..., Body]:
    """A template that is a shell script."""

    def make(
        name: str, text: str, outputs: Body | None = None, inputs: tuple[str, ...] = (), retry: str = ""
    ) -> Body:
        env = [{"name": i, "value": f"{{{{inputs.parameters.{i}}}}}"} for i in inputs]
        env.append({"name": "OUT", "value": "/mnt/mlplane/out"})
        container = {"image": IMAGE, "command": ["/bin/sh", "-c", f"mkdir -p $OUT\n{text}"], "env": env}
        parameters = [
            {
                "name": k,
                "valueFrom": {"path": f"/mnt/mlplane/out/{k}", **({} if v is None else {"default": v})},
            }
            for k, v in (outputs or {}).items()
        ]
        made: Body = {"name": name, "container": container, "outputs": {"parameters": parameters}}
        made |= {"inputs": {"parameters": [{"name": i} for i in inputs]}} if inputs else {}
        return made | ({"retryStrategy": {"limit": "3", "retryPolicy": retry}} if retry else {})

    return make
