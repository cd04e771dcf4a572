"""Which news a change of status is: a value in, values out."""

import pytest

from mlplane.engine.transitions import transitions


def status(*conditions, **more):
    return {
        "conditions": [
            {"type": type_, "status": holds, "reason": reason, "message": f"about {reason}"}
            for type_, holds, reason in conditions
        ],
        **more,
    }


def ready(reason, *more, **facts):
    return status(("Ready", "True", reason), *more, **facts)


def waiting(reason, **facts):
    return status(("Ready", "False", reason), ("Reconciling", "True", reason), **facts)


def stalled(reason, *more, **facts):
    return status(("Ready", "False", reason), ("Stalled", "True", reason), *more, **facts)


def told(kind, before, after):
    body = {"kind": kind, "metadata": {"name": "a"}, "status": before}
    return [(t.news.type, t.news.reason, t.notice) for t in transitions(body, after)]


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("TrainingRun", None, waiting("Running"), ("Normal", "Running", "")),
        ("TrainingRun", waiting("Running"), ready("Completed"), ("Normal", "Completed", "")),
        ("TrainingRun", waiting("Running"), stalled("RunFailed"), ("Warning", "RunFailed", "failed")),
        ("TrainingRun", waiting("Running"), waiting("Suspended"), ("Normal", "Suspended", "")),
        ("TrainingRun", waiting("Running"), stalled("Unschedulable"), ("Warning", "Unschedulable", "failed")),
        ("Dataset", waiting("Ingesting"), ready("Ingested"), ("Normal", "Ingested", "")),
        ("Dataset", waiting("Ingesting"), stalled("ChecksFailed"), ("Warning", "ChecksFailed", "failed")),
        ("Dataset", ready("Ingested", digest="a"), ready("Ingested", digest="b"), ("Normal", "Ingested", "")),
        (
            "Dataset",
            ready("Ingested"),
            ready("Ingested", ("Drifted", "True", "BytesChanged")),
            ("Warning", "BytesChanged", ""),
        ),
        (
            "ModelVersion",
            ready("Available", ("Approved", "False", "NotEvaluated")),
            ready("Available", ("Approved", "False", "GateFailed")),
            ("Warning", "GateFailed", "failed"),
        ),
        (
            "ModelVersion",
            None,
            ready("Available", ("Approved", "True", "GatesPassed")),
            ("Normal", "GatesPassed", ""),
        ),
        ("Evaluation", waiting("Evaluating"), ready("GateFailed"), ("Warning", "GateFailed", "")),
        (
            "Evaluation",
            waiting("Evaluating"),
            stalled("EvidenceMismatch"),
            ("Warning", "EvidenceMismatch", "failed"),
        ),
        ("ModelServer", waiting("Deploying"), ready("Serving"), ("Normal", "Serving", "promoted")),
        (
            "ModelServer",
            ready("Serving"),
            ready("RollingOut", ("Reconciling", "True", "RollingOut")),
            ("Normal", "RollingOut", ""),
        ),
        (
            "ModelServer",
            ready("RollingOut"),
            ready("RolloutStalled", ("Stalled", "True", "RolloutStalled")),
            ("Warning", "RolloutStalled", "aborted"),
        ),
        ("ModelServer", waiting("Deploying"), stalled("LoadFailed"), ("Warning", "LoadFailed", "aborted")),
        (
            "ModelServer",
            ready("Serving"),
            waiting("ModelVersionMissing"),
            ("Normal", "ModelVersionMissing", ""),
        ),
        ("Dataset", ready("Ingested"), stalled("InvalidObject"), ("Warning", "InvalidObject", "failed")),
    ],
)
def test_what_people_wait_for_is_told_once(kind, before, after, expected):
    assert told(kind, before, after) == [expected]
    assert told(kind, after, after) == [], "what was told is told no more"


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        pytest.param("TrainingRun", None, waiting("DatasetMissing"), id="a new run waits"),
        pytest.param("ModelVersion", None, ready("Available"), id="a record is there"),
        pytest.param(
            "TrainingRun",
            waiting("Running", progress="1/4"),
            waiting("Running", progress="2/4"),
            id="progress",
        ),
        pytest.param("Dataset", "malformed", {}, id="nothing is known"),
    ],
)
def test_what_the_conditions_tell_by_themselves_is_no_news(kind, before, after):
    assert told(kind, before, after) == []


def test_each_step_of_a_rollout_is_told():
    before, after = (ready("RollingOut", ("Reconciling", "True", "RollingOut")) for _ in range(2))
    after["conditions"][0]["message"] = "it is ready, and the traffic moves to it"
    assert told("ModelServer", before, after) == [("Normal", "RollingOut", "")]


def test_the_news_says_what_the_condition_says():
    body = {"kind": "TrainingRun", "metadata": {"name": "a"}}
    (transition,) = transitions(body, stalled("RunFailed"))
    assert transition.news.message == "about RunFailed"
