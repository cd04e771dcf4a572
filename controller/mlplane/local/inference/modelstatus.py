"""``status.modelStatus``: how far the wanted model is, in the words of KServe.

Pure. Like KServe it looks at the newest Pod of the stable predictor, and like KServe it forgets neither the
last failure nor that a model was loaded once.
"""

from dataclasses import dataclass

from mlplane.api.meta import Body
from mlplane.local.inference.conditions import container_statuses
from mlplane.local.inference.planning import Observed, Plan
from mlplane.local.inference.pods import STORAGE_INITIALIZER
from mlplane.local.inference.workloads import name_of, newest_first

_TRANSITIONS = {
    "Pending": "InProgress",
    "Loading": "InProgress",
    "Loaded": "UpToDate",
    "FailedToLoad": "BlockedByFailedLoad",
}
NOT_LOOKED_AT: Body = {"transitionStatus": ""}
"""What KServe writes of a canary's model, and of the model of a stopped service."""


@dataclass(frozen=True)
class _Target:
    """How far the wanted model is, and why it failed if it did."""

    state: str
    failure: Body | None = None


def model_status(observed: Observed, plan: Plan, *, is_ready: bool) -> Body:
    """The model status that a plan leads to.

    Args:
        observed: What is there.
        plan: What is done about it.
        is_ready: Whether the condition Ready is true.
    """
    before = (observed.service.get("status") or {}).get("modelStatus") or {}
    states = before.get("states") or {}
    if plan.stable is None:
        return _refused(plan, before, states)
    if not plan.stable.desired:
        return NOT_LOOKED_AT
    pods = newest_first(plan.stable.pods)
    target = _target(pods[0], is_ready=is_ready) if pods else _Target("Pending")
    if target is None:
        target = _Target(states.get("targetModelState") or "Pending")
    active = "Loaded" if target.state == "Loaded" else states.get("activeModelState", "")
    status: Body = {
        "transitionStatus": _TRANSITIONS[target.state],
        "states": {"activeModelState": active, "targetModelState": target.state},
        "copies": {"failedCopies": 0, "totalCopies": plan.stable.available},
    }
    failure = target.failure or before.get("lastFailureInfo")
    return status | ({"lastFailureInfo": failure} if failure else {})


def _refused(plan: Plan, before: Body, states: Body) -> Body:
    assert plan.refusal is not None  # noqa: S101  no stable predictor means that the spec was refused
    failure = {"reason": plan.refusal.reason, "message": plan.refusal.message}
    active = states.get("activeModelState", "")
    copies = {"copies": before["copies"]} if "copies" in before else {}
    return {
        "transitionStatus": "InvalidSpec",
        "states": {"activeModelState": active, "targetModelState": "FailedToLoad"},
        "lastFailureInfo": failure,
    } | copies


def _target(pod: Body, *, is_ready: bool) -> _Target | None:
    """What the newest Pod says; None while a download that has failed before is tried again."""
    failed: _Target | None = None
    for status in container_statuses(pod):
        state = status.get("state") or {}
        if status["name"] == STORAGE_INITIALIZER and "running" in state:
            return None if (status.get("lastState") or {}).get("terminated") else _Target("Loading")
        if ended := _failed_run(status):
            failed = _Target("FailedToLoad", _failure(pod, ended))
            if status["name"] == STORAGE_INITIALIZER:
                return failed
    return _Target("Loaded") if is_ready else failed or _Target("Pending")


def _failed_run(status: Body) -> Body | None:
    """The run of a container that failed and is not being tried right now."""
    state = status.get("state") or {}
    if (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        ended: Body | None = (status.get("lastState") or {}).get("terminated")
        return ended
    ended = state.get("terminated")
    return ended if ended and ended.get("reason") == "Error" else None


def _failure(pod: Body, ended: Body) -> Body:
    """KServe says neither which Pod nor when; its API has a place for both, and a person needs the Pod."""
    info = {
        "reason": "ModelLoadFailed",
        "message": ended.get("message", ""),
        "exitCode": ended.get("exitCode", 0),
        "location": name_of(pod),
        "time": ended.get("finishedAt"),
    }
    return {name: value for name, value in info.items() if value}
