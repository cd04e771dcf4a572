"""What is read from an InferenceService."""

import pytest

from mlplane.adapters.kserve import Endpoint, endpoint_of

URL = "http://digits-default.example.com"
ADDRESS = {"url": "http://digits-v-2-predictor.default.svc.cluster.local"}


def service(status: dict) -> dict:
    """Its predictor was the first under its name, so KServe says 1, whatever the service's own generation."""
    return {
        "metadata": {"name": "digits", "generation": 2},
        "spec": {"predictor": {"name": "v-2"}},
        "status": {"observedGeneration": 1} | status if status else {},
    }


def ready(status: str, **more: str) -> list[dict]:
    return [{"type": "Ready", "status": status} | more]


@pytest.mark.parametrize(
    ("status", "want"),
    [
        ({}, Endpoint("Pending", "the InferenceService has not been looked at yet")),
        (
            {
                "conditions": ready("True"),
                "url": URL,
                "address": {"url": "http://digits-v-1-predictor.default.svc.cluster.local"},
            },
            Endpoint("Pending", "the InferenceService has not been looked at yet", URL),
        ),
        (
            {"conditions": ready("False", message="predictor has no ready pod")},
            Endpoint("Pending", "predictor has no ready pod"),
        ),
        ({"conditions": ready("True"), "url": URL, "address": ADDRESS}, Endpoint("Ready", "", URL)),
        (
            {
                "conditions": ready("True"),
                "url": URL,
                "address": ADDRESS,
                "modelStatus": {
                    "transitionStatus": "BlockedByFailedLoad",
                    "lastFailureInfo": {"reason": "ModelLoadFailed", "message": "digest differs"},
                },
            },
            Endpoint("Failed", "digest differs", URL),
        ),
        (
            {
                "conditions": ready("False"),
                "address": {"url": "http://digits-v-1-predictor.default.svc.cluster.local"},
                "modelStatus": {"transitionStatus": "BlockedByFailedLoad"},
            },
            Endpoint("Pending", "the InferenceService has not been looked at yet"),
        ),
        (
            {
                "conditions": ready("Unknown"),
                "modelStatus": {
                    "transitionStatus": "InvalidSpec",
                    "lastFailureInfo": {"reason": "RuntimeNotRecognized"},
                },
            },
            Endpoint("Failed", "RuntimeNotRecognized"),
        ),
    ],
    ids=[
        "new",
        "older predictor",
        "not ready",
        "ready",
        "new model does not load",
        "older model does not load",
        "no runtime",
    ],
)
def test_an_endpoint_is_what_the_status_says(status, want):
    assert endpoint_of(service(status)) == want
