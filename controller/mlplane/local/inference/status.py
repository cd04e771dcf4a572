"""The status of an InferenceService, in the words of KServe's Standard mode.

Pure. KServe derives it from a Deployment and its Pods (``PropagateRawStatus`` and ``PropagateModelStatus`` in
its API package); here the Pods are looked at directly, and the reasons of the Deployment are kept.
"""

from collections.abc import Sequence
from typing import Any

from mlplane.api.meta import Body
from mlplane.local.inference.planning import Observed, Plan, is_ready
from mlplane.local.inference.pods import CONTAINER, STORAGE_INITIALIZER, is_of, replicas_of

_TRANSITIONS = {
    "Pending": "InProgress",
    "Loading": "InProgress",
    "Loaded": "UpToDate",
    "FailedToLoad": "BlockedByFailedLoad",
}


def status_of(observed: Observed, plan: Plan, *, url: str, host_owner: str, now: str) -> Body:
    """The status that a plan leads to.

    Args:
        observed: What is there.
        plan: What is done about it.
        url: Address of the service at the gateway.
        host_owner: Namespace and name of an older service that has the same host; empty if there is none.
        now: Time of the observation, RFC 3339, for conditions that change.
    """
    service = observed.service
    before = service.get("status") or {}
    predictor = _predictor_ready(observed, plan)
    ingress = _ingress_ready(plan, host_owner)
    stopped = replicas_of(service) == 0
    conditions = [
        _condition("IngressReady", *ingress),
        _condition("PredictorReady", *predictor),
        _condition("Ready", *_first_unready(predictor, ingress)),
        _condition("Stopped", "True" if stopped else "False") | {"severity": "Info"},
    ]
    status: Body = {
        "observedGeneration": service["metadata"].get("generation", 0),
        "conditions": _dated(conditions, before.get("conditions") or (), now),
        "modelStatus": _model_status(observed, plan, is_service_ready=conditions[2]["status"] == "True"),
        "components": {"predictor": {}},
        "deploymentMode": "Standard",
    }
    if ingress[0] == "True":
        status |= {"url": url, "address": {"url": url}, "components": {"predictor": {"url": url}}}
    if observed.runtime is not None:
        status["clusterServingRuntimeName"] = observed.runtime["metadata"]["name"]
    return status


_Verdict = tuple[str, str, str]
"""status, reason, message of a condition."""


def _predictor_ready(observed: Observed, plan: Plan) -> _Verdict:
    """As KServe reads a Deployment: available, and not between two revisions."""
    if plan.refusal:
        return ("False", plan.refusal.reason, plan.refusal.message)
    ready = {pod["metadata"]["name"] for pod in _own(observed) if is_ready(pod)}
    if not plan.desired:
        return ("False", "Stopped", "the annotation serving.kserve.io/stop is true")
    if not ready:
        return ("False", "MinimumReplicasUnavailable", _waiting(observed, plan))
    if missing := set(plan.desired) - ready:
        return (
            "Unknown",
            "ReplicaSetUpdated",
            f"{len(missing)} of {len(plan.desired)} pods are not ready yet",
        )
    return ("True", "", "")


def _ingress_ready(plan: Plan, host_owner: str) -> _Verdict:
    if host_owner:
        return ("False", "HostTaken", f"InferenceService {host_owner} has the same host; rename one of them")
    if not plan.route.targets:
        return ("False", "Predictor ingress not created", "no pod of the predictor is ready")
    return ("True", "", "")


def _waiting(observed: Observed, plan: Plan) -> str:
    """What the first wanted Pod waits for, if the node says so."""
    for status in _container_statuses(_wanted(observed, plan)):
        waiting = (status.get("state") or {}).get("waiting") or {}
        if waiting.get("message"):
            return f"{status['name']}: {waiting.get('reason', '')}: {waiting['message']}"
    return "the predictor has no ready pod yet"


def _first_unready(*verdicts: _Verdict) -> _Verdict:
    for wanted in ("False", "Unknown"):
        for verdict in verdicts:
            if verdict[0] == wanted:
                return verdict
    return ("True", "", "")


def _model_status(observed: Observed, plan: Plan, *, is_service_ready: bool) -> Body:
    before = (observed.service.get("status") or {}).get("modelStatus") or {}
    serving = [pod for pod in _own(observed) if is_ready(pod)]
    failure = before.get("lastFailureInfo")
    if plan.refusal:
        target, transition = "FailedToLoad", "InvalidSpec"
        failure = {"reason": plan.refusal.reason, "message": plan.refusal.message}
    else:
        target, found = _target_state(observed, plan, is_service_ready=is_service_ready)
        transition, failure = _TRANSITIONS[target], found or failure
    status: Body = {
        "transitionStatus": transition,
        "states": {"activeModelState": "Loaded" if serving else "", "targetModelState": target},
        "copies": {"failedCopies": 0, "totalCopies": len(serving)},
    }
    return status | ({"lastFailureInfo": failure} if failure else {})


def _target_state(observed: Observed, plan: Plan, *, is_service_ready: bool) -> tuple[str, Body | None]:
    """How far the wanted model is, and why it failed if it did."""
    if is_service_ready:
        return ("Loaded", None)
    for status in _container_statuses(_wanted(observed, plan)):
        if ended := _failed_run(status):
            failure = {
                "reason": "ModelLoadFailed",
                "message": ended.get("message", ""),
                "exitCode": ended.get("exitCode", 0),
            }
            return ("FailedToLoad", failure)
        if status["name"] == STORAGE_INITIALIZER and "running" in (status.get("state") or {}):
            return ("Loading", None)
    return ("Pending", None)


def _failed_run(status: Body) -> Body | None:
    """The run of a container that failed and is not being tried right now."""
    state = status.get("state") or {}
    ended = state.get("terminated")
    if (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff":
        ended = (status.get("lastState") or {}).get("terminated")
    return ended if ended and ended.get("exitCode") else None


def _own(observed: Observed) -> list[Body]:
    return [pod for pod in observed.pods if is_of(pod, observed.service)]


def _wanted(observed: Observed, plan: Plan) -> list[Body]:
    return [pod for pod in _own(observed) if pod["metadata"]["name"] in plan.desired]


def _container_statuses(pods: Sequence[Body]) -> list[Body]:
    """Of the storage initializers and the model servers, in the order in which they run."""
    found: list[Body] = []
    for pod in pods:
        status = pod.get("status") or {}
        every = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
        found += [each for each in every if each["name"] in (STORAGE_INITIALIZER, CONTAINER)]
    return found


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> dict[str, Any]:
    """A condition as Knative writes it: without reason and message where it is true."""
    return {"type": kind, "status": status} | {
        k: v for k, v in (("reason", reason), ("message", message)) if v
    }


def _dated(conditions: list[Body], before: Sequence[Body], now: str) -> list[Body]:
    """Conditions with the time of their last change."""
    known = {c["type"]: c for c in before}
    for condition in conditions:
        old = known.get(condition["type"], {})
        same = {k: v for k, v in old.items() if k != "lastTransitionTime"} == condition
        condition["lastTransitionTime"] = (
            old["lastTransitionTime"] if same and "lastTransitionTime" in old else now
        )
    return conditions
