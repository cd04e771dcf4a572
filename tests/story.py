"""The digits story on any API server: engines that are its clients, a controller with its manifests' rights.

Nothing is special about the local server here: a test gives a kubeconfig with all rights. The controller's
requests go through a proxy that notes them, so that what it did can be compared with what it may.
"""

import json
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml

from faults.processes import Process, eventually
from faults.proxy import Hooks, Reply, Request, proxied
from mlplane import names
from mlplane.api.conditions import of
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import KubeCluster, connect
from mlplane.local.apiserver.users import attributes
from mlplane.local.bootstrap import CONTROLLER, objects_for
from mlplane.local.gitconfig import addresses_of, gitconfig_for
from mlplane.local.manifests import system_manifests
from mlplane.local.programs import Follow
from mlplane.local.state import NAMESPACE, State
from plane import environment, make_repository

SERVER = Ref(names.API_VERSION, "ModelServer", NAMESPACE, "digits")
WAIT_S = 220.0
Right = tuple[str, str, str]
"""API group, resource with its subresource, verb."""


@dataclass
class Story:
    """A repository, engines and a controller, at work on a cluster."""

    cluster: KubeCluster
    """With all rights."""
    state: State
    """Where the engines keep pods and artifacts; its kubeconfig leads to the cluster."""
    repository: Path
    used: set[Right] = field(default_factory=set)
    """What the controller has asked for."""
    refused: list[str] = field(default_factory=list)
    """What it was not allowed."""

    async def note(self, request: Request, reply: Reply) -> None:
        """A hook of the controller's proxy."""
        asked = attributes(request.method, request.path, dict(parse_qsl(request.query)))
        if asked.path:
            return
        self.used.add((asked.group, asked.full_resource, asked.verb))
        if request.method == "PATCH" and reply.status == 201:
            self.used.add((asked.group, asked.full_resource, "create"))
        if reply.status == 403:
            self.refused.append(json.loads(reply.body or b"{}").get("message", ""))

    async def condition(self, kind: str, name: str, type_: str) -> dict[str, Any]:
        body = await self.cluster.get(Ref(names.API_VERSION, kind, NAMESPACE, name))
        return (of(body, type_) if body else None) or {}

    async def is_served(self) -> bool:
        return (await self.condition("ModelServer", "digits", "Ready")).get("status") == "True"

    async def wait_until_served(self) -> str:
        """The URL of the endpoint, once it is ready."""
        try:
            await eventually(self.is_served, "the model is served", WAIT_S, every=0.2)
        except AssertionError as error:
            for note in await self._scene():
                error.add_note(note)
            raise
        return str((await self.cluster.get(SERVER) or {})["status"]["url"])

    async def change_runs(self) -> None:
        """Have the finished run's Workflow forgotten, and a run that is suspended before it starts."""
        run = Ref(names.API_VERSION, "TrainingRun", NAMESPACE, "digits-1")
        found = await self.cluster.get(run) or {}
        later = {"name": "later", "namespace": NAMESPACE}
        spec = {**found["spec"], "suspend": True}
        await self.cluster.create({**found, "metadata": later, "spec": spec, "status": {}}, manager="test")
        await self.cluster.patch(run, {"spec": {"ttlSecondsAfterFinished": 0}}, manager="test")
        workflow = Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, NAMESPACE, "digits-1-1")

        async def is_forgotten() -> bool:
            return await self.cluster.get(workflow) is None

        async def is_suspended() -> bool:
            return (await self.condition("TrainingRun", "later", names.SUSPENDED)).get("status") == "True"

        await eventually(is_forgotten, "the Workflow is deleted", 60)
        await eventually(is_suspended, "the other run is suspended", 60)

    async def _scene(self) -> list[str]:
        """What there is, and the last words of the processes; for a person who looks for the trouble."""
        found = [
            f"{kind} {body['metadata']['name']}: {of(body, 'Ready')}"
            for kind in ("Dataset", "TrainingRun", "ModelVersion", "ModelServer")
            for body in await self.cluster.list(Query(names.API_VERSION, kind, NAMESPACE))
        ]
        pods = await self.cluster.list(Query("v1", "Pod", NAMESPACE))
        found += [f"Pod {pod['metadata']['name']}: {json.dumps(pod.get('status'))[:900]}" for pod in pods]
        for log in self.state.logs.glob("*.log"):
            found += [f"--- {log.name}", *log.read_text().splitlines()[-20:]]
        return [*found, *(f"refused: {message}" for message in self.refused)]


@asynccontextmanager
async def telling(kubeconfig: Path, folder: Path) -> AsyncIterator[Story]:
    """The story, begun on a cluster that has the kinds and the base manifests.

    Args:
        kubeconfig: Of somebody who may do everything.
        folder: An empty one, for the repository, the pods and the artifacts.
    """
    home = folder / "home"
    home.mkdir(parents=True)
    repository = make_repository(folder / "digits", home)
    state = State.create(folder / "state")
    shutil.copyfile(kubeconfig, state.kubeconfig)
    async with connect(kubeconfig) as cluster:
        for body in objects_for(NAMESPACE, gitconfig_for(repository, addresses_of(repository))):
            await cluster.apply(body, manager="mlplane-up")
        token = await cluster.token(CONTROLLER, seconds=3600)
        own = folder / "controller.kubeconfig"
        own.write_text(_with_token(kubeconfig, token))
        story = Story(cluster, state, repository)
        async with proxied(own, folder / "noted.kubeconfig", Hooks(after=story.note)) as proxy:
            with _running(state, Follow(repository, "dev", "main"), proxy.kubeconfig, home):
                yield story


def _with_token(kubeconfig: Path, token: str) -> str:
    content = yaml.safe_load(kubeconfig.read_text())
    content["users"] = [{"name": user["name"], "user": {"token": token}} for user in content["users"]]
    return yaml.safe_dump(content)


@contextmanager
def _running(state: State, follow: Follow, kubeconfig: Path, home: Path) -> Iterator[None]:
    plain = environment(home) | {names.STORE_ENV: state.store_url}
    engines = Process(
        ("-m", "mlplane.local.engines", "--state", str(state.root), *follow.arguments()),
        state.log("engines"),
        plain | {"KUBECONFIG": str(state.kubeconfig)},
    )
    controller = Process(
        ("-m", "mlplane.cli.main", "controller"),
        state.log("controller"),
        plain | {"KUBECONFIG": str(kubeconfig), "POD_NAME": "story"},
    )
    with ExitStack() as stack:
        for process in (engines, controller):
            process.start()
            stack.callback(process.stop)
        yield


def granted() -> set[Right]:
    """What the manifests allow the controller."""
    roles: Iterable[dict[str, Any]] = (b for b in system_manifests() if "rules" in b)
    return {
        (group, resource, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
