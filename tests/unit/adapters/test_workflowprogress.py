"""How far a Workflow is, and what it has used."""

import pytest

import builders as b
from mlplane.adapters.workflowprogress import estimated_end, has_moved, restarts_of
from mlplane.adapters.workflowusage import total, usage_of
from mlplane.api.trainingrun import Usage

START = "2026-01-02T03:00:05Z"  # four minutes before NOW


def training(**changes):
    node = {"id": "t", "type": "Pod", "templateName": "train", "phase": "Running", "startedAt": START}
    return {"status": {"nodes": {"t": node | {"progress": "10/30"} | changes}}}


def test_the_end_is_estimated_by_the_pace_so_far_and_rounded_up_to_the_minute():
    assert estimated_end(training(), b.NOW) == "2026-01-02T03:13:00Z"
    assert estimated_end(training(startedAt="2026-01-02T03:00:00Z"), b.NOW) == "2026-01-02T03:13:00Z"
    assert estimated_end(training(progress="30/30"), b.NOW) == "2026-01-02T03:05:00Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"progress": "0/30"},
        {"progress": "0/1"},
        {"progress": "31/30"},
        {"progress": 7},
        {"progress": f"1/{10**15 - 1}"},
        {"startedAt": "yesterday"},
        {"startedAt": "2027-01-01T00:00:00Z"},
        {"phase": "Succeeded"},
        {"templateName": "evaluate"},
    ],
    ids=str,
)
def test_nothing_is_estimated_of_what_is_not_known(changes):
    assert estimated_end(training(**changes), b.NOW) is None


def test_an_estimate_that_moves_by_a_minute_is_no_other_one():
    first, second, third = (f"2026-01-02T03:1{minute}:00Z" for minute in (3, 4, 5))
    assert [has_moved(first, each) for each in (first, second, third, None)] == [False, False, True, True]


def test_restarts_are_the_pods_that_followed_a_first_one():
    pods = {name: {"id": name, "type": "Pod"} for name in ("a", "b", "c", "d")}
    retries = {
        "r": {"id": "r", "type": "Retry", "children": ["a", "b", "c"]},
        "s": {"id": "s", "type": "Retry", "children": ["d"]},
        "broken": {"id": "x", "type": "Retry", "children": 7},
    }
    assert restarts_of({"status": {"nodes": pods | retries}}) == 2
    assert restarts_of({"status": {"nodes": [1]}}) == 0


def test_use_is_the_sum_of_what_the_pods_had():
    nodes = {
        "a": {"type": "Pod", "resourcesDuration": {"cpu": 4, "memory": 7, "nvidia.com/gpu": 60}},
        "b": {"type": "Pod", "resourcesDuration": {"cpu": 3, "nvidia.com/mig-1g.10gb": 5}},
        "r": {"type": "Retry", "resourcesDuration": {"cpu": 7, "nvidia.com/gpu": 65}},
        "broken": {"type": "Pod", "resourcesDuration": {"cpu": "many", "nvidia.com/gpu": -3}},
    }
    used = usage_of({"status": {"nodes": nodes}})
    assert used == Usage(gpu_seconds=65, cpu_seconds=7)
    assert total(None, used) == used
    assert total(used, used) == Usage(gpu_seconds=130, cpu_seconds=14)


def test_a_pod_counts_once():
    """Of what Argo says, it is not worked out from the pod again."""
    pod = {
        "metadata": {"annotations": {"workflows.argoproj.io/node-name": "w.train"}},
        "spec": {"containers": [{"name": "main"}]},
        "status": {
            "containerStatuses": [
                {
                    "name": "main",
                    "state": {"terminated": {"startedAt": START, "finishedAt": "2026-01-02T03:01:45Z"}},
                }
            ]
        },
    }
    told = {"type": "Pod", "name": "w.train", "resourcesDuration": {"cpu": 9}}
    silent = {"type": "Pod", "name": "w.train"}
    assert usage_of({"status": {"nodes": {"t": told}}}, [pod]).cpu_seconds == 9
    assert usage_of({"status": {"nodes": {"t": silent}}}, [pod]).cpu_seconds == 10
