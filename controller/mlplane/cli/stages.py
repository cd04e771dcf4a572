"""The way from a commit to a served model as stages, read from the objects that a watch has seen. Pure.

Called by ``cli.demo``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlplane import names, tasks
from mlplane.api.conditions import is_current, is_true, of
from mlplane.api.meta import Body
from mlplane.gitops.sync import RECORD

World = Mapping[tuple[str, str], Body]
"""Objects by kind and name."""


@dataclass(frozen=True)
class Stage:
    """One line of progress."""

    name: str
    state: Literal["pending", "done", "failed"] = "pending"
    detail: str = ""


STEPS = (tasks.PREFLIGHT, tasks.TRAIN, tasks.EVALUATE, tasks.PUBLISH)


def stages(world: World) -> tuple[Stage, ...]:
    """All stages in their order; each is done, failed, or still to come."""
    return (
        _synced(world),
        _dataset(world),
        *(_step(step, world) for step in STEPS),
        _approved(world),
        _serving(world),
    )


def only(world: World, kind: str) -> Body | None:
    """The first object of a kind, by name."""
    return next((world[key] for key in sorted(world) if key[0] == kind), None)


def _synced(world: World) -> Stage:
    data = (world.get(("ConfigMap", RECORD)) or {}).get("data") or {}
    name, outcome = "sync", data.get("outcome")
    if outcome == "Synced":
        return Stage(name, "done", f"commit {data['commit'][:12]} is applied")
    if outcome in ("Invalid", "Untrusted", "Held", "Refused"):
        return Stage(name, "failed", data.get("errors", ""))
    return Stage(name, detail=data.get("errors", ""))


def _dataset(world: World) -> Stage:
    body = only(world, "Dataset")
    if body and is_current(body):
        status = body["status"]
        splits = ", ".join(f"{split['name']} {split['rows']}" for split in status["splits"])
        return Stage("ingest", "done", f"{status['rows']} rows, {splits}")
    return _unfinished("ingest", body)


def _step(step: str, world: World) -> Stage:
    run = only(world, "TrainingRun")
    if is_true(run, names.STALLED):
        return _unfinished(step, run)
    workflow = world.get(("Workflow", ((run or {}).get("status") or {}).get("workflow", "")))
    nodes = ((workflow or {}).get("status") or {}).get("nodes") or {}
    mine = [node for node in nodes.values() if node.get("displayName") == step]
    for node in mine:
        if node.get("phase") == "Succeeded":
            return Stage(step, "done", _STEP_DETAILS[step](run or {}))
        if node.get("phase") in ("Skipped", "Omitted"):
            return Stage(step, "done", "in the store already")
    return Stage(step, detail=next((node.get("progress", "") for node in mine), ""))


def _approved(world: World) -> Stage:
    body = only(world, "ModelVersion")
    approved = of(body, names.APPROVED) or {}
    if approved.get("status") == "True":
        return Stage("approve", "done", approved["message"])
    if approved.get("reason") == names.GATE_FAILED:
        return Stage("approve", "failed", approved["message"])
    return Stage("approve", detail=approved.get("message", ""))


def _serving(world: World) -> Stage:
    body = only(world, "ModelServer")
    if body and is_current(body):
        return Stage("serve", "done", body["status"]["url"])
    return _unfinished("serve", body)


def _unfinished(name: str, body: Body | None) -> Stage:
    """A stage whose object is not ready: failed if a person has to do something about it."""
    message = (of(body, names.READY) or {}).get("message", "")
    return Stage(name, "failed" if is_true(body, names.STALLED) else "pending", message)


def _run_spec(run: Body, key: str) -> str:
    return str((run.get("spec") or {}).get(key, ""))


_STEP_DETAILS = {
    tasks.PREFLIGHT: lambda run: (
        f"code {run['spec']['code']['git']['commit'][:12]}, nothing stored for it yet"
    ),
    tasks.TRAIN: lambda run: _run_spec(run, "entrypoint"),
    tasks.EVALUATE: lambda run: f"on the split {run['spec']['evaluation']['split']}",
    tasks.PUBLISH: lambda run: f"model {_run_spec(run, 'model')}",
}
