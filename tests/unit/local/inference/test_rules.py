from typing import Any

import pytest

from mlplane.local.inference.rules import broken_rules

Body = dict[str, Any]


def canary(name: str = "v-2", percent: int = 10, **predictor: Any) -> Body:
    model = {"modelFormat": {"name": "mlplane-torch"}}
    return {"predictor": {"name": name, "model": model, **predictor}, "trafficPercent": percent}


@pytest.fixture
def standard(service: Body) -> Body:
    service["metadata"]["annotations"] = {"serving.kserve.io/deploymentMode": "Standard"}
    return service


def test_a_service_with_canaries_that_kserve_takes_breaks_no_rule(standard: Body) -> None:
    standard["spec"]["predictor"] |= {"minReplicas": 2, "maxReplicas": 2}
    standard["spec"]["canary"] = [canary("v-2", 40, minReplicas=2), canary("v-3", 60)]
    assert broken_rules(standard) == []


@pytest.mark.parametrize(
    ("canaries", "sentence"),
    [
        (
            [canary("v-1")],
            "predictor.name: found 'v-1' twice; each predictor and canary must have a name of its own",
        ),
        ([canary(), canary()], "found 'v-2' twice"),
        (
            [canary("v-2", 60), canary("v-3", 41)],
            "spec.canary: the sum of trafficPercent is 101; at most 100 is allowed",
        ),
        (
            [canary(minReplicas=2)],
            "spec.canary[0].predictor.minReplicas: found 2; at most 1 is allowed, the stable predictor's",
        ),
        (
            [canary("v" * 60)],
            f"'digits-{'v' * 60}-predictor' is longer than 58 characters; take shorter names",
        ),
    ],
    ids=["stable name", "same name", "too much traffic", "too many replicas", "long name"],
)
def test_a_canary_that_kserve_refuses_is_refused(standard: Body, canaries: list[Body], sentence: str) -> None:
    standard["spec"]["canary"] = canaries
    (found,) = broken_rules(standard)
    assert sentence in found


def test_canaries_need_the_mode_to_be_written_out(service: Body) -> None:
    service["spec"]["canary"] = [canary()]
    (found,) = broken_rules(service)
    assert found.endswith("deploymentMode must say Standard; found nothing")


def test_a_maximum_that_would_need_an_autoscaler_is_refused(service: Body) -> None:
    service["spec"]["predictor"] |= {"minReplicas": 1, "maxReplicas": 3}
    (found,) = broken_rules(service)
    assert found.startswith("spec.predictor.maxReplicas: found 3; supported is 1 (minReplicas)")
