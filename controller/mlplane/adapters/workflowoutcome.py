"""Argo Workflows as they are read: the task that one was rendered from, and what came of it.

Reconcilers call this. A live Workflow is read as plain JSON: the models of the ``argo-workflows`` package
refuse what one holds.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body
from mlplane.api.reading import at, mapping, mappings, named, text
from mlplane.errors import Terminal
from mlplane.tasks import JudgeTask, RunTask, TransformTask


def judge_task_of(workflow: Body) -> JudgeTask | None:
    """The task that an evaluation's Workflow was rendered from; None if it holds none."""
    for document in _tasks(workflow):
        try:
            return JudgeTask.model_validate_json(document)
        except ValidationError:
            continue
    return None


def transform_task_of(workflow: Body) -> TransformTask | None:
    """The task that makes a Dataset of others; None if the Workflow holds none."""
    for document in _tasks(workflow):
        with suppress(ValidationError):
            return TransformTask.model_validate_json(document)
    return None


def task_of(workflow: Body) -> RunTask:
    """The task that a run's Workflow was rendered from: what it really works on.

    Raises:
        Terminal: the Workflow holds no such task.
    """
    for document in _tasks(workflow):
        # The step evaluate is told its own part of it, which names neither code to run nor parameters.
        with suppress(ValidationError):
            return RunTask.model_validate_json(document)
    message = f"Workflow {named(workflow)} was not made for a TrainingRun: it holds no task"
    raise Terminal(message)


def pool_of(workflow: Body) -> str | None:
    """The pool of the operator's profile that a run's Workflow trains in; None where it was in none."""
    for template in mappings(at(workflow, "spec", "templates")):
        if pool := text(mapping(at(template, "metadata", "labels")).get(names.POOL_LABEL)):
            return pool
    return None


def _tasks(workflow: Body) -> Iterator[str]:
    """The JSON documents that tell the steps what to do, in the order of the templates."""
    for template in mappings(at(workflow, "spec", "templates")):
        for variable in mappings(at(template, "container", "env")):
            if variable.get("name") == names.TASK_ENV:
                yield text(variable.get("value")).replace("$$", "$")


@dataclass(frozen=True)
class Outcome:
    """What a Workflow came to, as far as it is."""

    state: Literal["Pending", "Running", "Succeeded", "Failed"]
    message: str = ""
    """Why it failed, never empty then; or what a step that has not started waits for, else empty."""
    progress: str = ""
    """Finished and known pods, ``N/M``."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Output parameters of finished steps as ``step.parameter``."""


def outcome_of(workflow: Body) -> Outcome:
    """Read a Workflow. Unknown phases count as running: the next event tells more.

    Whatever stands in it, it is read: parts that are not as Argo writes them count as absent.
    """
    status = mapping(workflow.get("status"))
    nodes = mappings(list(mapping(status.get("nodes")).values()))
    phase = status.get("phase") or "Pending"
    known = isinstance(phase, str) and phase in _STATES
    state = _STATES[phase] if known else "Running"
    failure = _failure(status, nodes if state == "Failed" else _newest(nodes))
    return Outcome(
        state=state,
        message=failure or _waiting(nodes) or ("" if known else _unknown(phase)),
        progress=text(status.get("progress"))[:PROGRESS_LIMIT],
        outputs=_outputs(nodes),
    )


_STATES: dict[str, Literal["Pending", "Running", "Succeeded", "Failed"]] = {
    "Pending": "Pending",
    "Running": "Running",
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Error": "Failed",
}


PROGRESS_LIMIT = 32
UNEXPLAINED = "the Workflow does not say why it failed"


def _unknown(phase: object) -> str:
    return f"the Workflow is in a phase that mlplane does not know: {str(phase)[:40]!r}"


def _failure(status: Body, nodes: list[Body]) -> str:
    """The message of the pod that failed last; the Workflow's own says only that a child failed."""
    last = _last_failed(nodes)
    if last is None:
        has_failed = _STATES.get(text(status.get("phase"))) == "Failed"
        return text(status.get("message")) or (UNEXPLAINED if has_failed else "")
    return f"step {_step(last)}: {sentence(text(last.get('message')) or last['phase'])}"


_LOST = ("Failed", "Error")


def _newest(nodes: list[Body]) -> list[Body]:
    """Without the failed pods of steps that were tried again."""
    tried = {n.get("templateName") for n in nodes if n.get("type") == "Pod" and n.get("phase") not in _LOST}
    return [n for n in nodes if n.get("phase") not in _LOST or n.get("templateName") not in tried]


def failed_pod(workflow: Body) -> Body | None:
    """The node of the pod that failed last; None if none has."""
    return _last_failed(mappings(list(mapping(at(workflow, "status", "nodes")).values())))


def _last_failed(nodes: list[Body]) -> Body | None:
    failed = (n for n in nodes if n.get("type") == "Pod" and n.get("phase") in _LOST)
    return max(failed, key=lambda n: text(n.get("finishedAt")), default=None)


def _step(node: Body) -> str:
    return text(node.get("templateName")) or "without a name"


_STARTING = ("", "ContainerCreating", "PodInitializing")
"""What a pod says that starts as it should."""


def _waiting(nodes: list[Body]) -> str:
    """What keeps a pod from starting, such as an image that cannot be had."""
    pods = (n for n in nodes if n.get("type") == "Pod" and n.get("phase") == "Pending")
    pending = (n for n in pods if text(n.get("message")) not in _STARTING)
    return next((f"step {_step(n)} has not started: {n['message']}" for n in pending), "")


def sentence(message: str) -> str:
    """The last line, which is where a step says what is wrong; before it stands the rest of its log."""
    lines = [line for line in message.splitlines() if line.strip()]
    return re.sub(r"^mlplane \w+: ", "", lines[-1]) if lines else ""


def _outputs(nodes: list[Body]) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes:
        if node.get("phase") != "Succeeded" or node.get("type") not in ("Pod", "Retry"):
            continue
        for parameter in mappings(at(node, "outputs", "parameters")):
            if isinstance(parameter.get("value"), str):
                found[f"{node.get('templateName')}.{parameter.get('name')}"] = parameter["value"]
    return found
