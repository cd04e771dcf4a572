"""What the status says of a run in its middle, and that it is not written anew at each look."""

from datetime import timedelta

import builders as b
from mlplane.reconcilers import trainingrun


def training(progress="10/30", overall="11/33", **more):
    workflow = b.run_workflow(b.run(), "Running")
    node = {
        "id": "t",
        "type": "Pod",
        "templateName": "train",
        "phase": "Running",
        "startedAt": "2026-01-02T03:00:05Z",
        "progress": progress,
    }
    workflow["status"] |= {"progress": overall, "nodes": {"t": node}} | more
    return workflow


def looked_at(body, workflow, later=0):
    """The run after a look, so many seconds after the first one."""
    typed = b.TYPES["TrainingRun"].model_validate(body)
    observed = b.observed_by(trainingrun, typed, (b.ready_dataset(), workflow))
    now = b.NOW + timedelta(seconds=later)
    return body | {"status": trainingrun.plan(typed, observed, now, b.SETTINGS).status.to_body()}


def test_a_look_without_news_changes_nothing_though_time_goes_by():
    first = looked_at(b.run(), training())
    assert first["status"]["estimatedCompletion"] == "2026-01-02T03:13:00Z"
    assert looked_at(first, training(), later=15) == first
    assert looked_at(first, training(), later=30) == first


def test_an_estimate_that_is_late_by_more_than_a_minute_is_said_again():
    first = looked_at(b.run(), training())
    later = looked_at(first, training(), later=60)
    assert later["status"]["estimatedCompletion"] == "2026-01-02T03:16:00Z"


def test_news_bring_the_newest_estimate():
    first = looked_at(b.run(), training())
    later = looked_at(first, training("11/30", "12/33"), later=30)
    assert later["status"]["estimatedCompletion"] == "2026-01-02T03:13:00Z"
    assert looked_at(first, training("20/30", "21/33"), later=30)["status"]["estimatedCompletion"] == (
        "2026-01-02T03:07:00Z"
    )


def test_what_has_ended_has_no_estimate_and_says_what_it_used():
    first = looked_at(b.run(), training())
    ended = training(phase="Failed")
    pod = ended["status"]["nodes"]["t"]
    pod |= {"phase": "Failed", "resourcesDuration": {"cpu": 7, "nvidia.com/gpu": 60}}
    status = looked_at(first, ended)["status"]
    assert "estimatedCompletion" not in status
    assert status["usage"] == {"gpuSeconds": 60, "cpuSeconds": 7}
    again = looked_at({**first, "status": status}, ended)["status"]
    assert again["usage"] == status["usage"], "it is counted once"


def test_restarts_are_of_the_newest_attempt():
    nodes = {
        "r": {"id": "r", "type": "Retry", "children": ["p", "q"]},
        "p": {"id": "p", "type": "Pod", "phase": "Error"},
        "q": {"id": "q", "type": "Pod", "phase": "Running"},
    }
    first = looked_at(b.run(), training(nodes=nodes))
    assert first["status"]["restarts"] == 1
    typed = b.run_workflow(b.run(), "Running", attempt=2)
    assert looked_at(first, typed)["status"]["restarts"] == 0
    assert "restarts" not in looked_at(b.run(), training())["status"], "where there were none, none are said"
