"""The table of scenarios: what a person does, and what is waited for in between.

Each is told once without a crash; every crash point of it is the same story with one process killed.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import yaml

import builders as b
from faults.crash.repository import commit_all
from faults.crash.world import World
from mlplane import names
from mlplane.api.refs import Ref

Body = dict[str, Any]
NAMESPACE = "default"


@dataclass(frozen=True)
class Scenario:
    """One story."""

    name: str
    tell: Callable[[World], Awaitable[None]]
    what: str
    """For the documentation, in one sentence."""
    follows_git: bool = False
    """Whether the GitOps agent runs, on a repository of the plane's own."""
    is_real: bool = False
    """Whether containers run mlplane's own steps and predictor, not test doubles."""


SCENARIOS: dict[str, Scenario] = {}


def scenario(what: str, *, follows_git: bool = False, is_real: bool = False) -> Callable[..., Any]:
    """Enter a story into the table under the name of its function."""

    def enter(tell: Callable[[World], Awaitable[None]]) -> Callable[[World], Awaitable[None]]:
        name = tell.__name__.replace("_", "-")
        SCENARIOS[name] = Scenario(name, tell, what, follows_git, is_real)
        return tell

    return enter


def dataset(namespace: str = NAMESPACE, train: int = 80) -> Body:
    body = _mine(b.dataset(), namespace)
    body["spec"]["splits"] = [{"name": "train", "percent": train}, {"name": "test", "percent": 100 - train}]
    return body


def run(name: str, namespace: str = NAMESPACE, *, minimum: str = "0.95", seed: int = 7) -> Body:
    body = _mine(b.run(name, minimum=minimum), namespace)
    body["spec"]["seed"] = seed
    return body


def server(namespace: str = NAMESPACE, **spec: Any) -> Body:
    return _mine(b.server(spec=spec or None), namespace)


def _mine(body: Body, namespace: str) -> Body:
    """The object as a person applies it."""
    return {**body, "metadata": {"name": body["metadata"]["name"], "namespace": namespace}}


def ref(kind: str, name: str, namespace: str = NAMESPACE) -> Ref:
    return Ref(names.API_VERSION, kind, namespace, name)


def workflow(name: str, namespace: str = NAMESPACE) -> Ref:
    return Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace, name)


async def until_complete(world: World, name: str) -> str:
    """Wait for a run; the name of its ModelVersion."""
    await world.until_condition(ref("TrainingRun", name), names.COMPLETE)
    version: str = (await world.do(lambda: world.cluster.get(ref("TrainingRun", name))))["status"][
        "modelVersion"
    ]
    return version


async def begin(world: World, name: str = "digits-1") -> Body:
    """A run in its middle: the Pod of the step ``train``, which waits."""
    world.hold_step("train")
    await world.create(dataset(), run(name))
    return await world.until_step_runs(workflow(f"{name}-1"), "train")


@scenario("A Dataset, a TrainingRun and a ModelServer are created at once; the model is served.")
async def create(world: World) -> None:
    await world.create(server(), run("digits-1"), dataset())
    await world.until_condition(ref("ModelServer", "digits"), names.READY)


@scenario("A TrainingRun is deleted while it trains; its Workflow and Pods go.")
async def delete_in_mid_run(world: World) -> None:
    await begin(world)
    await world.delete(ref("TrainingRun", "digits-1"))
    await world.until_gone(workflow("digits-1-1"))


@scenario("A TrainingRun is deleted while it trains, and at once another spec takes its name.")
async def name_reused(world: World) -> None:
    await begin(world)
    await world.delete(ref("TrainingRun", "digits-1"))
    await world.create(run("digits-1", seed=8))
    world.release_step("train")
    await until_complete(world, "digits-1")


@scenario("A Dataset is changed while a run trains on it; the run ends with the version it began with.")
async def dataset_changed(world: World) -> None:
    await begin(world)
    await world.patch(ref("Dataset", "digits"), {"spec": {"splits": dataset(train=70)["spec"]["splits"]}})
    await world.until_condition(ref("Dataset", "digits"), names.READY)
    world.release_step("train")
    await until_complete(world, "digits-1")


@scenario("A model fails its gate; the ModelServer that follows it says why it serves nothing.")
async def gate_failed(world: World) -> None:
    await world.create(dataset(), run("digits-1", minimum="0.99"), server())
    await until_complete(world, "digits-1")
    await world.until_condition(ref("ModelServer", "digits"), names.STALLED)


@scenario(
    "A file is removed from git; the GitOps agent prunes the ModelServer and all it had.", follows_git=True
)
async def pruned(world: World) -> None:
    repository = world.repository
    for body in (dataset(), run("digits-1"), server()):
        (repository / f"{body['kind'].lower()}.yaml").write_text(yaml.safe_dump(_file(body), sort_keys=False))
    commit_all(repository, "Add all")
    await world.until_condition(ref("ModelServer", "digits"), names.READY)
    (repository / "modelserver.yaml").unlink()
    commit_all(repository, "Serve no more")
    await world.until_gone(ref("ModelServer", "digits"))


def _file(body: Body) -> Body:
    return {**body, "metadata": {"name": body["metadata"]["name"]}}


@scenario("A namespace is deleted with a run in its middle and a model that is served.")
async def namespace_deleted(world: World) -> None:
    team = "team"
    await world.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": team}})
    await world.create(dataset(team), run("digits-1", team), server(team))
    await world.until_condition(ref("ModelServer", "digits", team), names.READY)
    world.hold_step("train")
    await world.create(run("digits-2", team, seed=8))
    await world.until_step_runs(workflow("digits-2-1", team), "train")
    await world.delete(Ref("v1", "Namespace", "", team))
    await world.until_gone(Ref("v1", "Namespace", "", team))


@scenario("A ModelServer is pointed at another ModelVersion; the old one serves until the new one does.")
async def server_repointed(world: World) -> None:
    await world.create(dataset(), run("digits-1"), run("digits-2", seed=8))
    first, second = [await until_complete(world, name) for name in ("digits-1", "digits-2")]
    await world.create(server(modelVersion=await _pin(world, first)))
    await world.until_condition(ref("ModelServer", "digits"), names.READY)
    await world.patch(ref("ModelServer", "digits"), {"spec": {"modelVersion": await _pin(world, second)}})
    await _until_serves(world, second)


async def _pin(world: World, version: str) -> Body:
    body = await world.do(lambda: world.cluster.get(ref("ModelVersion", version)))
    return {"name": version, "digest": body["spec"]["artifact"]["digest"]}


@scenario("A second run judges the same model by a stricter gate; the approval is taken back.")
async def gate_tightened(world: World) -> None:
    await world.create(dataset(), run("digits-1"), server())
    await world.until_condition(ref("ModelServer", "digits"), names.READY)
    await world.create(run("digits-2", minimum="0.99"))
    await until_complete(world, "digits-2")
    await world.until_condition(ref("ModelServer", "digits"), names.STALLED)


@scenario("The processes of a Pod are lost while it trains; the step is started again in another Pod.")
async def pod_lost(world: World) -> None:
    pod = await begin(world)
    world.lose(pod)
    world.release_step("train")
    await until_complete(world, "digits-1")


@scenario("Somebody deletes the Workflow of a run that trains; the run makes a second attempt.")
async def workflow_deleted(world: World) -> None:
    await begin(world)
    # A Workflow that goes before its run has recorded it is made again, under the same name.
    await world.until(lambda: _is_recorded(world, "digits-1"), "the run has recorded its Workflow")
    await world.delete(workflow("digits-1-1"))
    world.release_step("train")
    await until_complete(world, "digits-1")


async def _is_recorded(world: World, name: str) -> bool:
    return "workflow" in ((await world.get(ref("TrainingRun", name))).get("status") or {})


@scenario("A second model is approved; the ModelServer that follows the newest rolls over to it.")
async def newest_followed(world: World) -> None:
    await world.create(dataset(), run("digits-1"), server())
    await world.until_condition(ref("ModelServer", "digits"), names.READY)
    await world.create(run("digits-2", seed=8))
    await _until_serves(world, await until_complete(world, "digits-2"))


async def _until_serves(world: World, version: str) -> None:
    async def serves_it() -> bool:
        status = (await world.get(ref("ModelServer", "digits"))).get("status") or {}
        return (status.get("modelVersion") or {}).get("name") == version

    await world.until(serves_it, f"ModelServer digits serves {version}")
    await world.until_condition(ref("ModelServer", "digits"), names.READY)


@scenario("A run is suspended while it trains, and goes on; its second attempt makes the model.")
async def suspended(world: World) -> None:
    await begin(world)
    await world.until(lambda: _is_recorded(world, "digits-1"), "the run has recorded its Workflow")
    await world.patch(ref("TrainingRun", "digits-1"), {"spec": {"suspend": True}})
    await world.until_condition(ref("TrainingRun", "digits-1"), names.SUSPENDED)
    world.release_step("train")
    await world.patch(ref("TrainingRun", "digits-1"), {"spec": {"suspend": None}})
    await until_complete(world, "digits-1")


@scenario(
    "The digits template with real steps, whose model is trained already, and a real predictor.", is_real=True
)
async def digits(world: World) -> None:
    for path in sorted((world.repository / "dev").glob("*.yaml")):
        await world.create(_mine(yaml.safe_load(path.read_text()), NAMESPACE))
    await world.until_condition(ref("ModelServer", "digits"), names.READY)
