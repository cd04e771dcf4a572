"""What is read from an InferenceService."""

import pytest

from mlplane.adapters.kserve import Endpoint, endpoint_of

URL = "http://digits-default.example.com"


def service(status: dict, generation: int = 2) -> dict:
    return {"metadata": {"name": "digits", "generation": generation}, "status": status}


def ready(status: str, **more: str) -> list[dict]:
    return [{"type": "Ready", "status": status} | more]


@pytest.mark.parametrize(
    ("status", "want"),
    [
        ({}, Endpoint("Pending", "the InferenceService has not been looked at yet")),
        (
            {"observedGeneration": 1, "conditions": ready("True"), "url": URL},
            Endpoint("Pending", "the InferenceService has not been looked at yet"),
        ),
        ({"observedGeneration": 2}, Endpoint("Pending", "no condition Ready yet")),
        (
            {"observedGeneration": 2, "conditions": ready("False", message="predictor has no ready pod")},
            Endpoint("Pending", "predictor has no ready pod"),
        ),
        ({"observedGeneration": 2, "conditions": ready("True"), "url": URL}, Endpoint("Ready", "", URL)),
        (
            {
                "observedGeneration": 2,
                "conditions": ready("True"),
                "url": URL,
                "modelStatus": {
                    "transitionStatus": "BlockedByFailedLoad",
                    "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "digest differs"},
                },
            },
            Endpoint("Failed", "digest differs", URL),
        ),
    ],
    ids=["new", "older generation", "no condition", "not ready", "ready", "new model does not load"],
)
def test_an_endpoint_is_what_the_status_says(status, want):
    assert endpoint_of(service(status)) == want
