"""Workflows and InferenceServices as they will be when all goes well: what ``outcome_of`` and its like read.

A plan is made of the controllers' own decisions, and those go on when a Workflow has ended. Pure; called by
``gitops.planningworld`` and ``gitops.planninganswers``.
"""

from collections.abc import Mapping

from mlplane.adapters.kserve import serving_of, workload_of
from mlplane.api import Body
from mlplane.api.reading import at, mappings, text

_ENDED = ("Succeeded", "Failed", "Error")


def is_running(workflow: Body) -> bool:
    """Whether a Workflow has not ended."""
    return at(workflow, "status", "phase") not in _ENDED


def is_stopped(workflow: Body) -> bool:
    """Whether a Workflow is told to stop."""
    return bool(text(at(workflow, "spec", "shutdown")))


def stopped(workflow: Body) -> Body:
    """The Workflow once it has obeyed."""
    message = f"Stopped with strategy '{at(workflow, 'spec', 'shutdown')}'"
    return workflow | {"status": {"phase": "Failed", "message": message}}


def succeeded(workflow: Body, outputs: Mapping[tuple[str, str], str]) -> Body:
    """The Workflow once all of its steps have succeeded.

    Args:
        workflow: As it was rendered, or as it is by now.
        outputs: Values of output parameters, by step and parameter.
    """
    nodes = {
        f"{at(workflow, 'metadata', 'name')}-{step}": {
            "type": "Pod",
            "phase": "Succeeded",
            "templateName": step,
            "outputs": {
                "parameters": [
                    {"name": name, "value": value} for (of, name), value in outputs.items() if of == step
                ]
            },
        }
        for step in dict.fromkeys(step for step, _ in outputs)
    }
    return workflow | {"status": {"phase": "Succeeded", "nodes": nodes}}


def ready(service: Body) -> Body:
    """The InferenceService once each of its predictors is ready and has the traffic that it is to have."""
    name = text(at(service, "spec", "predictor", "name"))
    host = f"{workload_of(service, name)}.{at(service, 'metadata', 'namespace')}.svc.cluster.local"
    known = text(at(service, "status", "url"))
    status = {
        "url": known or f"http://{at(service, 'metadata', 'name')}.example.com",
        "address": {"url": f"http://{host}"},
        "components": {"predictor": {"url": f"http://{host}"}},
        "conditions": [{"type": "Ready", "status": "True"}],
        "modelStatus": {"transitionStatus": "UpToDate"},
        "canaryStatuses": [
            {"name": at(c, "predictor", "name"), "ready": True, "trafficPercent": c.get("trafficPercent")}
            for c in mappings(at(service, "spec", "canary"))
        ],
    }
    return service | {"status": status}


def served_digest(service: Body | None) -> str:
    """Digest of the model that an InferenceService serves, without what is on trial; empty if none."""
    serving = serving_of(service) if service else None
    return serving.stable.digest if serving else ""
