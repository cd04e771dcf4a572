"""What a Workflow comes to next: its status, and the Pods to make and to end. Pure.

``advance`` may be asked any number of times: the same Workflow and Pods give the same answer (but for
the times of what happens now), so an engine that was killed at any point just asks again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlplane.api import Body
from mlplane.local.workflows import hooks, podnodes
from mlplane.local.workflows.calls import Use, workflow_arguments
from mlplane.local.workflows.clock import moment
from mlplane.local.workflows.execution import execute
from mlplane.local.workflows.identity import COMPLETED_LABEL, PHASE_LABEL, exit_name
from mlplane.local.workflows.limits import TimedOut
from mlplane.local.workflows.phases import COMPLETED, FAILED, has_failed, is_done
from mlplane.local.workflows.podstates import PodState
from mlplane.local.workflows.sums import add_progress, add_usage
from mlplane.local.workflows.templating import Unresolvable, substitute
from mlplane.local.workflows.variables import failures, global_scope
from mlplane.local.workflows.walk import Postponed, Walk


@dataclass(frozen=True)
class Advance:
    """The next step of a Workflow."""

    status: Body
    labels: Mapping[str, str] = field(default_factory=dict)
    create: tuple[Body, ...] = ()
    """Pods that do not exist yet."""
    stop: tuple[str, ...] = ()
    """Names of Pods to end."""
    wake: datetime | None = None
    """When something is due even if nothing changes."""


@dataclass(frozen=True)
class _End:
    """What a Workflow has come to: a phase, and with ``Running`` no message."""

    phase: str
    message: str = ""


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
    known = global_scope(workflow, moment(now))
    try:
        spec = _with_globals(workflow["spec"], known)
    except Unresolvable as error:
        return _broken(before, f"error in entry template execution: {error}", now)
    walk = Walk(workflow, spec, pods, moment(now), known)
    podnodes.observe_all(walk)
    end = _Run(walk).end() if not spec.get("suspend") else _End("Running")
    return _advanced(walk, before, end, now)


def _with_globals(spec: Body, known: Mapping[str, str | None]) -> Body:
    """The spec with tags of the Workflow replaced where they stand outside of templates."""
    later = ("templates", "templateDefaults", "hooks")
    outside = {key: value for key, value in spec.items() if key not in later}
    basic = {tag: value for tag, value in known.items() if not tag.startswith("workflow.parameters")}
    made: Body = substitute({**outside, "arguments": None}, known)
    made["arguments"] = substitute(outside.get("arguments") or {}, basic)
    return made | {key: spec[key] for key in later if key in spec}


@dataclass
class _Run:
    """Entry point, hooks and exit handler of a Workflow in one pass."""

    walk: Walk

    def end(self) -> _End:
        """Execute what is due; how the Workflow has ended, or that it runs."""
        walk = self.walk
        try:
            root = execute(walk, Use(walk.spec["entrypoint"], walk.name, workflow_arguments(walk.spec)))
        except Postponed:
            return _End("Running")
        except (Unresolvable, TimedOut) as error:
            return _End("Error", f"error in entry template execution: {error}")
        walk.globals["workflow.status"] = root["phase"] if is_done(root) else "Running"
        if root["phase"] in ("Skipped", "Omitted"):
            walk.globals["workflow.status"] = "Succeeded"
        walk.globals["workflow.failures"] = failures(walk.name, walk.nodes)
        try:
            if not self._run_hooks(root) or not is_done(root):
                return _End("Running")
            handler = self._run_exit_handler()
        except Postponed:
            return _End("Running")
        except (Unresolvable, TimedOut) as error:
            return _End("Error", f"error in exit template execution : {error}")
        return (
            _End("Running") if handler is not None and not is_done(handler) else self._judged(root, handler)
        )

    def _run_hooks(self, root: Body) -> bool:
        walk = self.walk
        found = walk.spec.get("hooks") or {}
        return hooks.run_hooks(
            walk,
            found,
            root,
            walk.globals,
            lambda hook: hooks.arguments_for(walk, hook, walk.globals),
            execute,
        )

    def _run_exit_handler(self) -> Body | None:
        """The node of the exit handler; None if there is none, or a shutdown does not let it begin."""
        walk, hook = self.walk, hooks.exit_hook(self.walk.spec)
        name = exit_name(walk.name)
        if hook is None or (walk.named(name) is None and not walk.may_run(on_exit=True)):
            return None
        arguments = hooks.arguments_for(walk, hook, walk.globals)
        return execute(walk, Use(hook["template"], name, arguments, on_exit=True, flag={"hooked": True}))

    def _judged(self, root: Body, handler: Body | None) -> _End:
        if has_failed(root):
            stopped = f"Stopped with strategy '{self.walk.shutdown}'"
            return _End(root["phase"], stopped if self.walk.shutdown else root.get("message", ""))
        if handler is not None and has_failed(handler):
            return _End(handler["phase"], handler.get("message", ""))
        return _End("Succeeded")


def _advanced(walk: Walk, before: Body, end: _End, now: str) -> Advance:
    if end.phase == "Error" and (root := walk.named(walk.name)) and not is_done(root):
        walk.mark(root, "Error", "Workflow operation error")
    total = add_progress(walk.nodes)
    status = _status(before, end, now) | {"progress": total, "nodes": walk.nodes}
    if usage := add_usage(walk.nodes):
        status["resourcesDuration"] = usage
    if outputs := _global_outputs(walk):
        status["outputs"] = {"parameters": outputs}
    running = any(node["type"] == "Pod" and node["phase"] == "Running" for node in walk.nodes.values())
    status["conditions"] = [{"type": "PodRunning", "status": str(running)}, *status["conditions"]]
    create = () if end.phase in COMPLETED else tuple(walk.create)
    future = [each for each in walk.wakes if each > walk.now]
    return Advance(status, _labels(end.phase), create, podnodes.to_stop(walk), min(future, default=None))


def _global_outputs(walk: Walk) -> list[Body]:
    prefix = "workflow.outputs.parameters."
    return [
        {"name": tag.removeprefix(prefix), "value": value}
        for tag, value in walk.globals.items()
        if tag.startswith(prefix)
    ]


def _broken(before: Body, message: str, now: str) -> Advance:
    status = {**before, **_status(before, _End("Error", message), now)}
    return Advance(status, _labels("Error"))


def _labels(phase: str) -> dict[str, str]:
    return {PHASE_LABEL: phase, COMPLETED_LABEL: "true" if phase in COMPLETED else "false"}


def _status(before: Body, end: _End, now: str) -> Body:
    status: Body = {"phase": end.phase, "startedAt": before.get("startedAt") or now, "conditions": []}
    if end.message and end.phase in FAILED:
        status["message"] = end.message
    if end.phase in COMPLETED:
        status["finishedAt"] = before.get("finishedAt") or now
        status["conditions"] = [{"type": "Completed", "status": "True"}]
    return status
