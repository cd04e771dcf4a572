"""The conditions of an InferenceService, as KServe's Standard mode writes them.

Pure. KServe reads them off Deployments and HTTPRoutes; here the Pods are looked at directly, and the reasons
of those objects are kept.
"""

from collections.abc import Sequence
from datetime import datetime

from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.local.inference.planning import Observed, Plan
from mlplane.local.inference.pods import CONTAINER, STORAGE_INITIALIZER
from mlplane.local.inference.refusals import INVALID_SPEC
from mlplane.local.inference.variants import is_stopped
from mlplane.local.inference.workloads import Workload

PROGRESS_SECONDS = 600
"""How long a Deployment waits for a Pod before it says that it makes no progress."""

Verdict = tuple[str, str, str]
"""status, reason, message of a condition."""
_STOPPED: Verdict = ("False", "Stopped", "the annotation serving.kserve.io/stop is true")


def conditions_of(observed: Observed, plan: Plan, *, host_owner: str, now: datetime) -> list[Body]:
    """The conditions that a plan leads to, each with the time of its last change.

    Args:
        observed: What is there.
        plan: What is done about it.
        host_owner: Namespace and name of an older service that has the same host; empty if there is none.
        now: Time of the observation.
    """
    before = (observed.service.get("status") or {}).get("conditions") or ()
    predictor = _predictor_ready(observed, plan, now)
    ingress = _ingress_ready(observed, predictor, host_owner)
    made = [
        *_canaries_ready(plan),
        _condition("IngressReady", *ingress),
        _condition("PredictorReady", *predictor),
        _condition("Ready", *_first_unready(predictor, ingress)),
        _condition("Stopped", str(is_stopped(observed.service))) | {"severity": "Info"},
    ]
    return _dated(made, before, timestamp(now))


def _predictor_ready(observed: Observed, plan: Plan, now: datetime) -> Verdict:
    """As KServe reads a Deployment: available, and then between two revisions or not."""
    if plan.stable is None:
        if plan.refusal and plan.refusal.reason == INVALID_SPEC:
            return ("False", plan.refusal.reason, plan.refusal.message)
        return _as_before(observed.service, "PredictorReady")  # without a runtime, KServe looks no further
    stable = plan.stable
    wanted = stable.variant.replicas
    if not wanted:
        return _STOPPED
    if stable.available < wanted - wanted // 4:  # a Deployment may be short of a quarter
        return ("False", "MinimumReplicasUnavailable", _waiting(stable))
    if stable.is_complete:
        return ("True", "NewReplicaSetAvailable", f"{wanted} of {wanted} pods are ready")
    message = f"{sum(p in stable.wanted for p in stable.pods)} of {wanted} pods are of the newest revision"
    if _is_overdue(stable, now):
        return ("False", "ProgressDeadlineExceeded", _waiting(stable))
    return ("True", "MinimumReplicasAvailable", message)


def _as_before(service: Body, kind: str) -> Verdict:
    for condition in (service.get("status") or {}).get("conditions") or ():
        if condition["type"] == kind:
            return (condition["status"], condition.get("reason", ""), condition.get("message", ""))
    return ("Unknown", "", "")


def _is_overdue(stable: Workload, now: datetime) -> bool:
    """Whether the newest Pods have had their time."""
    made = [pod["metadata"].get("creationTimestamp") for pod in stable.wanted]
    ages = [(now - datetime.fromisoformat(at)).total_seconds() for at in made if at]
    return bool(ages) and min(ages) > PROGRESS_SECONDS


def _ingress_ready(observed: Observed, predictor: Verdict, host_owner: str) -> Verdict:
    """The route is made when the predictor is ready for the first time, and stays."""
    if host_owner:
        return ("False", "HostTaken", f"InferenceService {host_owner} has the same host; rename one of them")
    if is_stopped(observed.service):
        return _STOPPED
    if predictor[0] == "True" or (observed.service.get("status") or {}).get("url"):
        return ("True", "", "")
    if predictor[0] == "Unknown":
        return ("Unknown", "", "")
    return ("False", "Predictor Deployment NotReady", "no pod of the predictor has been ready yet")


def _canaries_ready(plan: Plan) -> list[Body]:
    if not plan.canaries:
        return []
    if not all(canary.desired for canary in plan.canaries):
        status, reason = "False", "Stopped"
    elif all(canary.available for canary in plan.canaries):
        status, reason = "True", "AllCanariesReady"
    else:
        status, reason = "False", "CanariesNotReady"
    return [_condition("CanaryPredictorReady", status, reason) | {"severity": "Info"}]


def _waiting(workload: Workload) -> str:
    """What the first wanted Pod waits for, if the node says so."""
    for pod in workload.wanted:
        for status in container_statuses(pod):
            waiting = (status.get("state") or {}).get("waiting") or {}
            if waiting.get("message"):
                return f"{status['name']}: {waiting.get('reason', '')}: {waiting['message']}"
    return f"{workload.available} of {workload.variant.replicas} pods of the predictor are ready"


def container_statuses(pod: Body) -> list[Body]:
    """Of the storage initializer and the model server, in the order in which they run."""
    status = pod.get("status") or {}
    every = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    return [each for each in every if each["name"] in (STORAGE_INITIALIZER, CONTAINER)]


def _first_unready(*verdicts: Verdict) -> Verdict:
    for wanted in ("False", "Unknown"):
        for verdict in verdicts:
            if verdict[0] == wanted:
                return verdict
    return ("True", "", "")


def _condition(kind: str, status: str, reason: str = "", message: str = "") -> Body:
    words = {"reason": reason, "message": message}
    return {"type": kind, "status": status} | {name: text for name, text in words.items() if text}


def _dated(conditions: list[Body], before: Sequence[Body], now: str) -> list[Body]:
    """Conditions with the time of their last change."""
    known = {c["type"]: c for c in before}
    for condition in conditions:
        old = known.get(condition["type"], {})
        same = {k: v for k, v in old.items() if k != "lastTransitionTime"} == condition
        condition["lastTransitionTime"] = old.get("lastTransitionTime", now) if same else now
    return conditions
