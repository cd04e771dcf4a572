"""The status of an InferenceService, in the words of KServe's Standard mode.

Pure: conditions and model status have modules of their own; addresses are here. Called by ``engine``.
"""

from datetime import datetime

from mlplane.api.meta import Body
from mlplane.local.inference.conditions import conditions_of
from mlplane.local.inference.modelstatus import NOT_LOOKED_AT, model_status
from mlplane.local.inference.planning import Observed, Plan
from mlplane.local.inference.routes import host_of, own_host_of, public_host_of
from mlplane.local.inference.variants import Variant, is_stopped

_KEPT = ("url", "address", "components", "clusterServingRuntimeName")
"""Said until something else is true: a predictor that is away for a moment has its address still."""


def status_of(observed: Observed, plan: Plan, *, port: int, host_owner: str, now: datetime) -> Body:
    """The status that a plan leads to.

    Args:
        observed: What is there.
        plan: What is done about it.
        port: TCP port of the gateway.
        host_owner: Namespace and name of an older service that has the same host; empty if there is none.
        now: Time of the observation.
    """
    service = observed.service
    before = {} if is_stopped(service) else service.get("status") or {}
    conditions = conditions_of(observed, plan, host_owner=host_owner, now=now)
    holds = {c["type"] for c in conditions if c["status"] == "True"}
    kept = _KEPT if plan.stable else (*_KEPT, "canaryStatuses")
    status: Body = {
        **{name: before[name] for name in kept if name in before},
        "observedGeneration": service["metadata"].get("generation", 0),
        "conditions": conditions,
        "modelStatus": model_status(observed, plan, is_ready="Ready" in holds),
        "deploymentMode": "Standard",
    }
    if plan.stable:
        status |= _canary_statuses(plan)
    if plan.stable and not is_stopped(service):
        status |= _addresses(service, plan.stable.variant, port, holds)
        status.setdefault("components", {"predictor": {}})
    return status


def _addresses(service: Body, stable: Variant, port: int, holds: set[str]) -> Body:
    """Where a service is reached, as far as that is known by now."""
    found: Body = {"clusterServingRuntimeName": stable.predictor["model"]["runtime"]}
    if "PredictorReady" in holds:
        url = f"http://{public_host_of(service, stable.workload)}:{port}"
        found["components"] = {"predictor": {"url": url}}
    if "IngressReady" in holds:
        found["url"] = f"http://{host_of(service)}:{port}"
        found["address"] = {"url": f"http://{own_host_of(service, stable.workload)}:{port}"}
    return found


def _canary_statuses(plan: Plan) -> Body:
    statuses = [
        {
            "name": canary.variant.name,
            "ready": canary.available > 0,
            "trafficPercent": canary.variant.percent,
            "modelStatus": NOT_LOOKED_AT,
        }
        for canary in plan.canaries
    ]
    return {"canaryStatuses": statuses} if statuses else {}
