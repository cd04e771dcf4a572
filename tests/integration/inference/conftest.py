"""A cluster with the real node and the real inference engine, and models that differ in what they answer."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import KubeCluster, connect
from mlplane.errors import MlplaneError
from mlplane.local.inference import run_inference
from mlplane.local.node import NODE_NAME, run_node
from mlplane.local.state import State
from mlplane.schema.foreign import foreign_crds
from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in, resolve

Body = dict[str, Any]
IMAGE = "ghcr.io/mlplane/runtime:test"
MANAGER = "inference-tests"


async def eventually(ask: Callable[[], Awaitable[Any]], what: str, seconds: float = 90) -> Any:
    """The first true answer."""
    last = None
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not (last := await ask()):  # noqa: ASYNC110  what is waited for is in another process
                await asyncio.sleep(0.02)
            return last
    raise AssertionError(f"not within {seconds} s: {what}; last answer: {last!r}")


@dataclass
class World:
    """A namespace of a cluster, and what serves it."""

    cluster: KubeCluster
    state: State
    namespace: str
    session: aiohttp.ClientSession
    gateway_port: int
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start_engine(self) -> asyncio.Task[None]:
        """Run the inference engine."""
        task = asyncio.create_task(run_inference(self.cluster, gateway_port=self.gateway_port))
        self.tasks.append(task)
        return task

    def start_node(self) -> None:
        """Run the node."""
        self.tasks.append(asyncio.create_task(run_node(self.cluster, self.state.root, images=(IMAGE,))))

    async def apply(self, uri: str, *, digest: str = "", name: str = "digits", **predictor: Any) -> None:
        """Make an InferenceService serve a stored model."""
        url = resolve(uri, self.state.store_url)
        model = {
            "modelFormat": {"name": "mlplane-torch"},
            "protocolVersion": "v2",
            "runtime": "mlplane-torch",
            "storageUri": url,
            "env": [{"name": "MLPLANE_MODEL_DIGEST", "value": digest or digest_in(uri)}],
        }
        body = {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"predictor": {"automountServiceAccountToken": False, "model": model, **predictor}},
        }
        await self.cluster.apply(body, manager=MANAGER)

    def ref(self, name: str = "digits") -> Ref:
        return Ref("serving.kserve.io/v1beta1", "InferenceService", self.namespace, name)

    async def service(self, name: str = "digits") -> Body:
        return await self.cluster.get(self.ref(name)) or {}

    async def pods(self) -> list[Body]:
        return await self.cluster.list(Query("v1", "Pod", self.namespace))

    async def wait_ready(self, name: str = "digits") -> Body:
        """Wait until the service says that its newest spec is served."""

        async def ask() -> Body | None:
            self.check_alive()
            service = await self.service(name)
            status = service.get("status") or {}
            found = {c["type"]: c for c in status.get("conditions") or ()}
            is_new = status.get("observedGeneration") == service["metadata"]["generation"]
            # Between two revisions under one name KServe says Ready, too.
            is_rolled = found.get("PredictorReady", {}).get("reason") == "NewReplicaSetAvailable"
            return service if is_new and is_rolled and found["Ready"]["status"] == "True" else None

        return await eventually(ask, f"{name} is ready")

    def check_alive(self) -> None:
        """Fail with the error of a task that has ended by itself, rather than with a time-out."""
        for task in self.tasks:
            if task.done() and not task.cancelled():
                task.result()

    async def predict(self, name: str = "digits") -> tuple[int, Any]:
        """Ask the gateway, as a client that resolves no names."""
        host = f"{name}-{self.namespace}.localhost"
        url = f"http://127.0.0.1:{self.gateway_port}/v1/models/{name}:predict"
        async with self.session.post(url, json={"instances": [[1.0]]}, headers={"Host": host}) as answer:
            return answer.status, await answer.json()


@pytest.fixture(scope="session")
def add_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Store, float], str]:
    """Stores a model that adds a number; its URI."""

    def add(store: Store, number: float) -> str:
        import torch

        class Add(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x + number

        batch = torch.export.Dim("batch", min=1)
        program = torch.export.export(Add().eval(), (torch.ones(2, 1),), dynamic_shapes=({0: batch},))
        program._example_inputs = None
        directory = tmp_path_factory.mktemp("model")
        torch.export.save(program, directory / "model.pt2")
        spec = {"datatype": "FP32", "shape": [-1, 1]}
        signature = {"inputs": [{"name": "x", **spec}], "outputs": [{"name": "y", **spec}]}
        (directory / "signature.json").write_text(json.dumps(signature))
        sample = {"inputs": {"x": [[0.0]]}, "outputs": {"y": [[number]]}}
        (directory / "sample.json").write_text(json.dumps(sample))
        return store.put(directory, "models", "digits")

    return add


@asynccontextmanager
async def api_server(state: State) -> AsyncIterator[Path]:
    """A kubeconfig: of the cluster that the environment names, or of the local API server."""
    if given := os.environ.get("MLPLANE_TEST_KUBECONFIG"):
        yield Path(given)
        return
    command = [sys.executable, "-m", "mlplane.local.apiserver", "--state", str(state.root)]
    with state.log("apiserver").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        try:
            yield state.kubeconfig
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    state = State.create(tmp_path / "state")
    async with (
        api_server(state) as kubeconfig,
        connect(kubeconfig) as cluster,
        aiohttp.ClientSession() as session,
    ):

        async def answers() -> bool:
            with suppress(MlplaneError):
                return await cluster.list(Query("v1", "Namespace")) is not None
            return False

        await eventually(answers, "the API server answers")
        for crd in foreign_crds():
            await cluster.create(crd, manager=MANAGER)
        namespace = f"inference-{uuid.uuid4().hex[:6]}"
        ref = Ref("v1", "Namespace", "", namespace)
        await cluster.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}, manager=MANAGER
        )

        if "MLPLANE_TEST_KUBECONFIG" in os.environ:
            # Kubernetes deletes Pods of nodes that it does not know.
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME}}
            await cluster.create(node, manager=MANAGER)

        async def runtime_applied() -> bool:
            with suppress(MlplaneError):
                return bool(await cluster.apply(serving_runtime(IMAGE), manager=MANAGER))
            return False

        await eventually(runtime_applied, "the CRDs are served")
        here = World(cluster, state, namespace, session, state.gateway_port)
        here.start_node()
        here.start_engine()
        yield here
        await cluster.delete(here.ref())

        async def gone() -> bool:
            return not await here.pods()

        await eventually(gone, "all pods are gone")
        for task in reversed(here.tasks):
            task.cancel()
        await asyncio.gather(*here.tasks, return_exceptions=True)
        await cluster.delete(ref)
