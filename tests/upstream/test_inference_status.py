"""What the local inference engine writes, judged by KServe's own CRD."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

import builders as b
from mlplane.adapters import kserve
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.api import ModelServer, ModelVersion
from mlplane.local.inference.planning import Observed, plan
from mlplane.local.inference.pods import pods_for
from mlplane.local.inference.rules import broken_rules
from mlplane.local.inference.status import status_of
from mlplane.local.inference.variants import canaries_of, stable_of
from mlplane.schema.foreign import violations

Body = dict[str, Any]
RUNTIME = serving_runtime("image")
ENDED = {"exitCode": 1, "reason": "Error", "message": "no", "finishedAt": b.EARLIER}


def service() -> Body:
    server = ModelServer.model_validate(b.server())
    made = kserve.inference_service_for(server, ModelVersion.model_validate(b.model_version()), b.SETTINGS)
    made["metadata"] |= {"uid": "u1", "generation": 1}
    canary = {"name": "v-2", "model": {"name": "kserve-container", "modelFormat": {"name": "mlplane-torch"}}}
    made["spec"]["canary"] = [{"predictor": canary, "trafficPercent": 10}]
    return made


def ready(pod: Body) -> Body:
    status = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "127.0.0.1"}
    return copy.deepcopy(pod) | {"status": status}


def failed(pod: Body) -> Body:
    ended = [{"name": "kserve-container", "state": {"terminated": ENDED}}]
    return copy.deepcopy(pod) | {"status": {"containerStatuses": ended}}


def unmade(_: Body) -> Body:
    return {"metadata": {"name": "other"}}


@pytest.mark.parametrize("problems", [(), ("spec.x: no",)], ids=["supported", "refused"])
@pytest.mark.parametrize("is_stopped", [False, True], ids=["runs", "stopped"])
@pytest.mark.parametrize("become", [ready, failed, unmade])
def test_a_status_is_valid_for_the_real_crd(
    errors_of: Callable[[Body], list[str]],
    become: Callable[[Body], Body],
    is_stopped: bool,
    problems: tuple[str, ...],
) -> None:
    made = service()
    assert violations("InferenceService", made) + broken_rules(made) == []
    variants = (stable_of(made), *canaries_of(made))
    pods = tuple(become(pod) for variant in variants for pod in pods_for(made, RUNTIME, variant))
    if is_stopped:
        made["metadata"]["annotations"] |= {"serving.kserve.io/stop": "true"}
    observed = Observed(made, {"mlplane-torch": RUNTIME}, pods, problems)
    status = status_of(observed, plan(observed), port=80, host_owner="", now=datetime(2026, 1, 1, tzinfo=UTC))
    assert errors_of(made | {"status": status}) == []
