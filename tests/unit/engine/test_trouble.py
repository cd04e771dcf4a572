"""The status of an object that could not be dealt with."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from mlplane.api import Dataset
from mlplane.engine.trouble import described, troubled

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EARLIER = "2026-01-01T00:00:00Z"


def condition(type_, status, reason="Fine"):
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": "m",
        "observedGeneration": 1,
        "lastTransitionTime": EARLIER,
    }


def status_of(status):
    return troubled({"metadata": {"generation": 2}, "status": status}, "ApiError", "it was refused", NOW)


def test_ready_is_false_and_stalled_is_true_for_the_same_reason():
    made = {c["type"]: c for c in status_of({})["conditions"]}
    assert made["Ready"] == condition("Ready", "False", "ApiError") | {
        "message": "it was refused",
        "observedGeneration": 2,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }
    assert made["Stalled"]["status"] == "True"
    assert status_of({})["observedGeneration"] == 2


def test_facts_and_other_conditions_stay_and_reconciling_goes():
    old = {"digest": "d", "conditions": [condition("Reconciling", "True"), condition("Complete", "True")]}
    made = status_of(old)
    assert made["digest"] == "d"
    assert [c["type"] for c in made["conditions"]] == ["Ready", "Stalled", "Complete"]
    assert made["conditions"][2] == condition("Complete", "True")


def test_a_transition_time_stays_while_the_status_does():
    assert (
        status_of({"conditions": [condition("Ready", "False")]})["conditions"][0]["lastTransitionTime"]
        == EARLIER
    )


@pytest.mark.parametrize(
    "status", [None, "text", [], {"conditions": "x"}, {"conditions": [None, {"type": 3}]}]
)
def test_a_status_of_any_shape_is_dealt_with(status):
    assert [c["type"] for c in status_of(status)["conditions"]] == ["Ready", "Stalled"]


def test_a_fault_is_described_by_field_and_without_its_value():
    with pytest.raises(ValidationError) as caught:
        Dataset.model_validate(
            {"kind": "Dataset", "metadata": {"name": "a"}, "spec": {"format": "secret", "columns": [{}]}}
        )
    text = described(caught.value)
    assert "spec.format" in text
    assert "and 2 more" in text
    assert "secret" not in text
