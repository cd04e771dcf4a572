"""What is read from the status of an InferenceService."""

from datetime import UTC, datetime

import pytest

from mlplane.adapters.kservestatus import (
    CanaryStatus,
    Endpoint,
    canary_status,
    changed_at,
    endpoint_of,
    has_served,
)

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
                "conditions": ready("True"),
                "url": URL,
                "address": {"url": "http://digits-v-1-predictor.default.svc.cluster.local"},
                "canaryStatuses": [{"name": "v-2", "ready": True, "trafficPercent": 100}],
            },
            Endpoint("Ready", "", URL),
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
        "a canary that was promoted just now",
        "no runtime",
    ],
)
def test_an_endpoint_is_what_the_status_says(status, want):
    assert endpoint_of(service(status)) == want


@pytest.mark.parametrize(
    ("status", "want"),
    [
        ({}, False),
        ({"components": {"predictor": {"url": "http://digits-v-2-predictor-default.example.com"}}}, True),
        ({"components": {"predictor": {"url": "http://digits-v-2-predictor.default.example.com"}}}, True),
        ({"components": {"predictor": {"url": "http://digits-v-1-predictor-default.example.com"}}}, False),
        ({"canaryStatuses": [{"name": "v-2", "ready": True, "trafficPercent": 100}]}, True),
        ({"canaryStatuses": [{"name": "v-2", "ready": False, "trafficPercent": 0}]}, False),
        ({"conditions": ready("True"), "url": URL, "address": ADDRESS}, True),
    ],
    ids=[
        "new",
        "ready once",
        "by another template",
        "its predecessor",
        "as a canary",
        "no canary",
        "ready now",
    ],
)
def test_a_predictor_has_served_if_it_was_ready_once(status, want):
    assert has_served(service(status)) is want


@pytest.mark.parametrize(
    ("said", "want"),
    [
        (None, CanaryStatus()),
        ([None, 7, {"name": "v-3", "ready": True}], CanaryStatus()),
        ([{"name": "v-2", "ready": "yes", "trafficPercent": "10"}], CanaryStatus()),
        ([{"name": "v-2", "ready": True, "trafficPercent": 10}], CanaryStatus(True, 10)),
    ],
)
def test_a_canary_is_as_far_as_the_status_says_whatever_else_it_says(said, want):
    assert canary_status(service({"canaryStatuses": said}), "v-2") == want


def test_a_service_was_changed_when_the_controller_applied_it_last():
    def entry(manager: str, operation: str, time: str) -> dict:
        return {"manager": manager, "operation": operation, "time": time}

    entries = [
        entry("mlplane-controller", "Apply", "2026-01-02T03:04:05Z"),
        entry("mlplane-controller", "Update", "2026-01-02T04:00:00Z"),
        entry("kserve-controller-manager", "Update", "2026-01-02T05:00:00Z"),
    ]
    assert changed_at({"metadata": {"managedFields": entries}}) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert changed_at({"metadata": {}}) is None
