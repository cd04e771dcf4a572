"""A ModelServer changes its version under load; all but the model, which is a text, and the clock is real."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import builders as b
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api import ModelServer, ModelVersion
from mlplane.api.refs import Query, Ref
from mlplane.engine.loop import Engine
from mlplane.errors import MlplaneError, Transient
from mlplane.reconcilers import modelserver, rollout
from mlplane.schema.crds import crd_for
from mlplane.settings import Settings
from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in

pytestmark = pytest.mark.timeout(180)
Body = dict[str, Any]
IMAGE = "ghcr.io/mlplane/runtime:test"
PREDICTOR = Path(__file__).with_name("predictor.py")
CLIENTS = 3


class Team:
    """Who commits versions and a server, and the controller that follows."""

    def __init__(self, world: Any, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._store = Store(world.state.store_url)
        self._pins: dict[str, Body] = {}
        self.seen: list[Body] = []
        """Every status of the server."""

    @property
    def ref(self) -> Ref:
        return Ref("mlplane.dev/v1alpha1", "ModelServer", self.world.namespace, "digits")

    async def is_possible(self) -> bool:
        """Whether the kinds are served by now."""
        with suppress(MlplaneError):
            here = self.world.namespace
            kinds = [Query(self.ref.api_version, kind, here) for kind in ("ModelServer", "ModelVersion")]
            return [await self.world.cluster.list(kind) for kind in kinds] == [[], []]
        return False

    async def approve(self, version: str, **files: str) -> None:
        """Store a model that consists of these files, and record it as an approved version."""
        directory = self._folder / version
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_text(text)
        uri = self._store.put(directory, "models", "digits")
        self._pins[version] = {"name": version, "digest": digest_in(uri)}
        made = b.model_version(version, digest=digest_in(uri), approved=True)
        body = {name: made[name] for name in ("apiVersion", "kind", "spec")}
        body["metadata"] = {"name": version, "namespace": self.world.namespace}
        await self.world.cluster.create(body, manager="team")
        ref = Ref(body["apiVersion"], "ModelVersion", self.world.namespace, version)
        status = {"status": made["status"]}
        await self.world.cluster.patch(ref, status, manager="team", subresource="status")

    async def serve(self, version: str) -> None:
        """Pin a version."""
        body = {
            "apiVersion": self.ref.api_version,
            "kind": self.ref.kind,
            "metadata": {"name": self.ref.name, "namespace": self.ref.namespace},
            "spec": {"modelVersion": self._pins[version]},
        }
        await self.world.cluster.apply(body, manager="team")

    async def control(self) -> None:
        """Look at the server again and again, each time as a controller that has just been started."""
        while True:
            settings = Settings(store=self.world.state.store_url, image=IMAGE)
            with suppress(Transient):
                await Engine(self.world.cluster, [modelserver], settings).reconcile(self.ref)
            self.seen.append(((await self.world.cluster.get(self.ref)) or {}).get("status") or {})
            await asyncio.sleep(0.05)

    async def until(self, version: str, reason: str) -> None:
        """Wait until the server says that this version answers, for this reason."""
        generation = (await self.world.cluster.get(self.ref))["metadata"]["generation"]

        def holds(status: Body) -> bool:
            ready = reasons(status).get("Ready", ("", ""))
            is_new = status.get("observedGeneration") == generation
            return is_new and ready == ("True", reason) and status["modelVersion"]["name"] == version

        async with asyncio.timeout(60):
            while not (self.seen and holds(self.seen[-1])):
                self.world.check_alive()
                await asyncio.sleep(0.05)


def reasons(status: Body) -> dict[str, tuple[str, str]]:
    return {c["type"]: (c["status"], c["reason"]) for c in status.get("conditions") or ()}


@pytest.fixture
async def team(world: Any, tmp_path: Path, monkeypatch: Any) -> Any:
    monkeypatch.setattr(rollout, "SETTLES", timedelta(seconds=1))  # the local gateway follows at once
    for kind in (ModelVersion, ModelServer):
        await world.cluster.create(crd_for(kind), manager="team")
    runtime = serving_runtime(IMAGE)
    command = {"command": ["python", str(PREDICTOR)], "args": ["/mnt/models"]}
    runtime["spec"]["containers"][0] |= command
    await world.cluster.apply(runtime, manager="inference-tests")
    here = Team(world, tmp_path)
    async with asyncio.timeout(30):
        while not await here.is_possible():  # noqa: ASYNC110  the CRDs are served by another process
            await asyncio.sleep(0.05)
    controller = asyncio.create_task(here.control())
    yield here
    controller.cancel()  # before the world ends: it would make the InferenceService anew
    await asyncio.gather(controller, return_exceptions=True)


async def test_no_request_fails_while_versions_change(team: Team) -> None:
    for version in ("one", "two"):
        await team.approve(version, answer=version)
    await team.approve("broken", crash="the model is broken")
    await team.serve("one")
    await team.until("one", "Serving")

    answers: list[str] = []
    is_over = asyncio.Event()

    async def ask() -> None:
        host = f"digits-{team.world.namespace}.localhost"
        url = f"http://127.0.0.1:{team.world.gateway_port}/"
        while not is_over.is_set():
            async with team.world.session.post(url, data=b"x", headers={"Host": host}) as answer:
                answers.append(await answer.text() if answer.status == 200 else str(answer.status))

    clients = [asyncio.create_task(ask()) for _ in range(CLIENTS)]
    begin = len(team.seen)
    await team.serve("two")
    await team.until("two", "Serving")
    await team.serve("broken")
    await team.until("two", "RollingOut")
    await team.serve("one")  # a third version in the middle of a rollout
    await team.until("one", "Serving")
    is_over.set()
    await asyncio.gather(*clients)

    assert Counter(answers).keys() == {"one", "two"}, "every request is answered by a version that serves"
    said = [reasons(status) for status in team.seen[begin:]]
    assert {each["Ready"][0] for each in said} == {"True"}
    assert {each["Ready"][1] for each in said} == {"Serving", "RollingOut"}
    assert all(("Reconciling" in each) == (each["Ready"][1] == "RollingOut") for each in said)
    assert {pod["metadata"]["labels"]["app"] for pod in await team.world.pods()} == {
        f"isvc.digits-v-{team._pins['one']['digest'].removeprefix('sha256:')[:8]}-predictor"
    }
