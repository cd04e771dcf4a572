"""What a Workflow comes to next: its status, and the Pods to make and to end. Pure.

``advance`` may be asked any number of times: the same Workflow and Pods give the same answer (but for
the times of what happens now), so an engine that was killed at any point just asks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlplane.api import Body
from mlplane.local.workflows.calls import parameters_of
from mlplane.local.workflows.identity import COMPLETED_LABEL, PHASE_LABEL
from mlplane.local.workflows.podstates import DEFAULT_PROGRESS, PodState, is_progress
from mlplane.local.workflows.retries import FAILED
from mlplane.local.workflows.templating import Unresolvable, substitute
from mlplane.local.workflows.walk import Walk

COMPLETED = ("Succeeded", "Failed", "Error")


@dataclass(frozen=True)
class Advance:
    """The next step of a Workflow."""

    status: Body
    labels: Mapping[str, str] = field(default_factory=dict)
    create: tuple[Body, ...] = ()
    """Pods that do not exist yet."""
    stop: tuple[str, ...] = ()
    """Names of Pods to end."""


def advance(workflow: Body, pods: Mapping[str, PodState], violations: list[str], now: str) -> Advance:
    """Work out a Workflow's next status.

    Args:
        workflow: The Workflow.
        pods: Its Pods by name.
        violations: What is outside the subset that is supported; asked only of one that has not begun.
        now: The time (RFC 3339).
    """
    before = workflow.get("status") or {}
    if violations and not before.get("phase"):
        return _broken(before, f"invalid spec: {'; '.join(violations)}", now)
    walk = Walk(workflow, workflow["spec"], pods, now)
    try:
        walk.spec = _with_globals(walk)
        arguments = {f"inputs.parameters.{p['name']}": str(p["value"]) for p in parameters_of(walk.spec)}
        root = walk.execute(walk.spec["entrypoint"], dict(walk.globals) | arguments, walk.name, None)
    except Unresolvable as error:
        return _broken(before, f"error in entry template execution: {error}", now)
    total = set_progress(walk.nodes)
    phase = root["phase"] if root["phase"] in COMPLETED else "Running"
    message = root.get("message", "") if phase in FAILED else ""
    if phase in FAILED and walk.shutdown:
        message = f"Stopped with strategy '{walk.shutdown}'"
    status = _status(before, phase, message, now) | {"progress": total, "nodes": walk.nodes}
    running = any(node["type"] == "Pod" and node["phase"] == "Running" for node in walk.nodes.values())
    status["conditions"] = [{"type": "PodRunning", "status": str(running)}, *status["conditions"]]
    return Advance(status, _labels(phase), tuple(walk.create), tuple(walk.stop))


def _with_globals(walk: Walk) -> Body:
    """The spec with tags of the Workflow replaced where they stand outside of templates."""
    outside = {key: value for key, value in walk.spec.items() if key != "templates"}
    known = {tag: value for tag, value in walk.globals.items() if not tag.startswith("workflow.parameters.")}
    made: Body = substitute(outside | {"arguments": None}, walk.globals)
    made["arguments"] = substitute(outside.get("arguments") or {}, known)
    return made | {"templates": walk.spec["templates"]}


def _broken(before: Body, message: str, now: str) -> Advance:
    return Advance({**before, **_status(before, "Error", message, now)}, _labels("Error"))


def _labels(phase: str) -> dict[str, str]:
    return {PHASE_LABEL: phase, COMPLETED_LABEL: "true" if phase in COMPLETED else "false"}


def _status(before: Body, phase: str, message: str, now: str) -> Body:
    status: Body = {"phase": phase, "startedAt": before.get("startedAt") or now, "conditions": []}
    if message:
        status["message"] = message
    if phase in COMPLETED:
        status["finishedAt"] = before.get("finishedAt") or now
        status["conditions"] = [{"type": "Completed", "status": "True"}]
    return status


def set_progress(nodes: dict[str, Body]) -> str:
    """Write each node's progress; the sum over all Pods, as Argo counts it: a Pod counts once it is known."""
    done, known = 0, 0
    for node in nodes.values():
        if node["type"] == "Pod":
            total = _counted(node.get("progress", ""))[1]
            if node["phase"] == "Succeeded":
                node["progress"] = f"{total}/{total}"
            counted = _counted(node.get("progress", ""))
            done, known = done + counted[0], known + counted[1]
    for node in nodes.values():
        if node["type"] != "Pod":
            below = [_counted(nodes[each]["progress"]) for each in _pods_below(nodes, node)]
            node["progress"] = f"{sum(d for d, _ in below)}/{sum(k for _, k in below)}"
    return f"{done}/{known}"


def _counted(progress: str) -> tuple[int, int]:
    done, _, known = (progress if is_progress(progress) else DEFAULT_PROGRESS).partition("/")
    return int(done), int(known)


def _pods_below(nodes: dict[str, Body], node: Body) -> set[str]:
    """Pods that can be reached: as in Argo, those of later groups too, which hang on earlier ones."""
    found: set[str] = set()
    pending = list(node.get("children", ()))
    while pending:
        child = pending.pop()
        if child not in found:
            found.add(child)
            pending.extend(nodes[child].get("children", ()))
    return {each for each in found if nodes[each]["type"] == "Pod"}
