from typing import Any

from mlplane.local.inference.events import events_of

Body = dict[str, Any]
NOW = "2026-01-01T00:00:00Z"


def told(service: Body, before: Body, after: Body) -> list[tuple[str, str, str]]:
    return [(e["type"], e["reason"], e["message"]) for e in events_of(service, before, after, NOW)]


def status(ready: str, **model: Any) -> Body:
    conditions = [
        {"type": "PredictorReady", "status": ready},
        {"type": "Ready", "status": ready},
        {"type": "Stopped", "status": "False"},
    ]
    return {"conditions": conditions, "modelStatus": model}


def test_becoming_ready_and_no_longer_being_it_are_told_once(service: Body) -> None:
    assert told(service, {}, status("True")) == [
        ("Normal", "InferenceServiceReady", "InferenceService [digits] is Ready")
    ]
    assert told(service, status("True"), status("True")) == []
    assert told(service, status("True"), status("False")) == [
        (
            "Warning",
            "InferenceServiceNotReady",
            "InferenceService [digits] is no longer Ready because of: PredictorReady, Ready",
        )
    ]
    assert told(service, {}, status("False")) == []


def test_a_refusal_is_told_when_its_words_change(service: Body) -> None:
    def refused(message: str) -> Body:
        return status("False", transitionStatus="InvalidSpec", lastFailureInfo={"message": message})

    assert told(service, {}, refused("no x")) == [("Warning", "InternalError", "no x")]
    assert told(service, refused("no x"), refused("no x")) == []
    assert told(service, refused("no x"), refused("no y")) == [("Warning", "InternalError", "no y")]


def test_an_event_written_twice_is_one_event_about_the_service(service: Body) -> None:
    (one,) = events_of(service, {}, status("True"), NOW)
    (two,) = events_of(service, {}, status("True"), "2026-01-01T00:00:09Z")
    assert one["metadata"] == two["metadata"]
    assert one["involvedObject"]["uid"] == "u1"
