"""A Pod's status from what is known of its containers: pure, in the kubelet's words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mlplane.api import Body
from mlplane.api.conditions import timestamp
from mlplane.local.node import lifecycle
from mlplane.local.node.lifecycle import Backoff, Runs
from mlplane.local.node.placing import UNSCHEDULABLE
from mlplane.local.node.refusals import CannotStart
from mlplane.local.node.runs import Run
from mlplane.local.nodenames import HOST_IP, NODE_LOST

LOST_MESSAGE = (
    "The process was lost: it, its shim or the machine went away and left no exit code. "
    "Whether its work was done is not known; run it again."
)


@dataclass(frozen=True)
class Observed:
    """All that the status of a pod is made of."""

    runs: Runs = field(default_factory=dict)
    ready: frozenset[str] = frozenset()
    """Containers whose probes (if any) say that they are ready."""
    refused: Mapping[str, CannotStart] = field(default_factory=dict)
    """Why containers could not be started."""
    verdict: Body | None = None
    """``reason`` and ``message`` for which the node ended the pod."""
    last_words: Mapping[str, str] = field(default_factory=dict)
    """End of the log of failed containers that ask for it (FallbackToLogsOnError)."""
    unplaced: str = ""
    """Why the node has no room for the pod."""


def status_of(pod: Body, before: Body, observed: Observed, now: datetime, backoff: Backoff) -> Body:
    """The whole status that the pod should have.

    Args:
        pod: The Pod.
        before: Its last status: times of what has not changed are kept.
        observed: What is known.
        now: The time.
        backoff: Says why a container that has ended is waiting.
    """
    phase = _phase(pod, observed)
    if observed.unplaced and phase == "Pending":
        return _unscheduled(before, observed.unplaced, now)
    inits = [_container(pod, c, observed, backoff, init=True) for c in lifecycle.init_containers(pod)]
    mains = [_container(pod, c, observed, backoff, init=False) for c in pod["spec"]["containers"]]
    status: Body = {
        "phase": phase,
        "startTime": before.get("startTime") or timestamp(now),
        "hostIP": HOST_IP,
        "podIP": HOST_IP,
        "podIPs": [{"ip": HOST_IP}],
        "containerStatuses": mains,
        "conditions": _conditions(pod, phase, observed, mains, before, now),
    }
    if inits:
        status["initContainerStatuses"] = inits
    if phase == "Failed" and observed.verdict is not None:
        status |= {k: observed.verdict[k] for k in ("reason", "message")}
    elif phase == "Failed" and lifecycle.is_lost(pod, observed.runs):
        status |= {"reason": NODE_LOST, "message": LOST_MESSAGE}
    return status


def _unscheduled(before: Body, why: str, now: datetime) -> Body:
    """As kube-scheduler writes it."""
    made = _condition("PodScheduled", holds=False) | {"reason": UNSCHEDULABLE, "message": why}
    old = {c["type"]: c for c in before.get("conditions") or ()}.get(made["type"], {})
    same = old.get("status") == made["status"]
    made["lastTransitionTime"] = old.get("lastTransitionTime") if same else timestamp(now)
    return {"phase": "Pending", "conditions": [made]}


def _phase(pod: Body, observed: Observed) -> str:
    """A pod that the node ended has failed, but not before its processes are gone."""
    if observed.verdict is None or lifecycle.is_active(observed.runs):
        return lifecycle.phase_of(pod, observed.runs)
    return "Failed"


def _container(pod: Body, container: Body, observed: Observed, backoff: Backoff, *, init: bool) -> Body:
    name = container["name"]
    run = lifecycle.last(observed.runs, container)
    running = run is not None and run.state == "running"
    words = observed.last_words.get(name, "")
    over = observed.verdict is not None or lifecycle.is_finished(pod, run, init=init)
    if run is None or run.state == "starting":
        state, previous = {"waiting": _waiting(pod, container, observed)}, None
    elif running:
        state, previous = {"running": {"startedAt": _time(run.started)}}, None
    elif over or (name not in observed.refused and backoff.delay(observed.runs[name]) == 0):
        state, previous = {"terminated": _terminated(run, words)}, None
    else:
        waiting = _waiting_again(container, observed, backoff.delay(observed.runs[name]))
        state, previous = {"waiting": waiting}, _terminated(run, words)
    status: Body = {
        "name": name,
        "image": container.get("image", ""),
        "imageID": "",
        "ready": run is not None and _succeeded(run) if init else running and name in observed.ready,
        "started": running,
        "restartCount": run.attempt if run else 0,
        "state": state,
        "lastState": {"terminated": previous} if previous else _last_state(observed.runs.get(name) or ()),
    }
    if run is not None and run.identity:
        status["containerID"] = f"process://{run.identity}"
    return status


def _succeeded(run: Run) -> bool:
    return run.state == "exited" and run.code == 0


def _last_state(attempts: tuple[Run, ...]) -> Body:
    return {"terminated": _terminated(attempts[-2], "")} if len(attempts) > 1 else {}


def _waiting(pod: Body, container: Body, observed: Observed) -> Body:
    refused = observed.refused.get(container["name"])
    if refused is not None:
        return {"reason": refused.reason, "message": str(refused)}
    initializing = container not in lifecycle.init_containers(pod) and not lifecycle.is_initialized(
        pod, observed.runs
    )
    return {"reason": "PodInitializing" if initializing else "ContainerCreating"}


def _waiting_again(container: Body, observed: Observed, delay: float) -> Body:
    refused = observed.refused.get(container["name"])
    if refused is not None:
        return {"reason": refused.reason, "message": str(refused)}
    message = f"back-off {delay:g}s restarting failed container={container['name']}"
    return {"reason": "CrashLoopBackOff", "message": message}


def _terminated(run: Run, last_words: str) -> Body:
    if run.state == "lost":
        reason, message = "ContainerStatusUnknown", LOST_MESSAGE
    elif run.error:
        reason, message = "StartError", run.error
    elif run.out_of_memory and run.code != 0:
        reason, message = "OOMKilled", last_words
    else:
        reason, message = "Completed" if run.code == 0 else "Error", last_words
    ended: Body = {"exitCode": run.code, "reason": reason, "containerID": f"process://{run.identity}"}
    ended |= {"startedAt": _time(run.started), "finishedAt": _time(run.finished)}
    return ended | ({"message": message} if message else {})


def _conditions(
    pod: Body, phase: str, observed: Observed, mains: list[Body], before: Body, now: datetime
) -> list[Body]:
    unready = [s["name"] for s in mains if not s["ready"]]
    why: Body = {}
    if phase in ("Succeeded", "Failed"):
        why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    elif unready:
        why = {
            "reason": "ContainersNotReady",
            "message": f"containers with unready status: [{' '.join(unready)}]",
        }
    ready = not unready and phase == "Running"
    made = [
        _condition("PodScheduled", holds=True),
        _condition("Initialized", holds=lifecycle.is_initialized(pod, observed.runs)),
        _condition("ContainersReady", holds=ready) | why,
        _condition("Ready", holds=ready) | why,
    ]
    old = {c["type"]: c for c in before.get("conditions") or ()}
    for each in made:
        same = old.get(each["type"], {}).get("status") == each["status"]
        each["lastTransitionTime"] = old[each["type"]].get("lastTransitionTime") if same else timestamp(now)
    return made


def _condition(type_: str, *, holds: bool) -> Body:
    return {"type": type_, "status": str(holds), "lastProbeTime": None}


def _time(seconds: float) -> str:
    return timestamp(datetime.fromtimestamp(seconds, UTC))
