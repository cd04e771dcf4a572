"""What is deleted when it is over, and when."""

import pytest

from mlplane.local.workflows import collection
from mlplane.local.workflows.podstates import PodState

END = "2026-01-01T00:01:00Z"


def workflow(phase="Succeeded", **spec):
    nodes = {"n": {"phase": "Succeeded"}, "m": {"phase": "Running"}}
    status = {"phase": phase, "nodes": nodes, "startedAt": "2026-01-01T00:00:00Z"}
    return {"spec": spec, "status": status | ({} if phase == "Running" else {"finishedAt": END})}


@pytest.mark.parametrize(
    ("phase", "strategy", "want"),
    [
        ("Succeeded", {"secondsAfterCompletion": 10}, "00:01:10"),
        ("Failed", {"secondsAfterCompletion": 10}, "00:01:10"),
        ("Succeeded", {"secondsAfterCompletion": 10, "secondsAfterSuccess": 5}, "00:01:05"),
        ("Error", {"secondsAfterCompletion": 10, "secondsAfterFailure": 0}, "00:01:00"),
        ("Failed", {"secondsAfterSuccess": 5}, None),
        ("Running", {"secondsAfterCompletion": 0}, None),
        ("Succeeded", {}, None),
    ],
)
def test_a_workflow_is_deleted_so_long_after_its_end(phase, strategy, want):
    found = collection.expiry(workflow(phase, ttlStrategy=strategy))
    assert (found and f"{found:%H:%M:%S}") == want


def pod(node="n", phase="Succeeded", **labels):
    ended = {"state": {"terminated": {"exitCode": 0, "finishedAt": "2026-01-01T00:00:30Z"}}}
    meta = {"name": "p", "labels": labels, "annotations": {"workflows.argoproj.io/node-id": node}}
    return PodState({"metadata": meta, "status": {"phase": phase, "containerStatuses": [ended]}})


@pytest.mark.parametrize(
    ("policy", "workflow_phase", "of_pod", "want"),
    [
        ({"strategy": "OnPodCompletion"}, "Running", {}, "00:00:35"),
        ({"strategy": "OnPodCompletion", "deleteDelayDuration": "0"}, "Running", {}, "00:00:30"),
        ({"strategy": "OnPodCompletion"}, "Running", {"phase": "Failed"}, "00:00:35"),
        ({"strategy": "OnPodSuccess"}, "Running", {"phase": "Failed"}, None),
        ({"strategy": "OnWorkflowCompletion"}, "Running", {}, None),
        ({"strategy": "OnWorkflowCompletion"}, "Failed", {}, "00:01:05"),
        ({"strategy": "OnWorkflowSuccess"}, "Failed", {}, None),
        ({"strategy": "OnWorkflowSuccess"}, "Succeeded", {}, "00:01:05"),
        ({"strategy": "OnPodCompletion", "labelSelector": {"matchLabels": {"a": "b"}}}, "Running", {}, None),
        (
            {"strategy": "OnPodCompletion", "labelSelector": {"matchLabels": {"a": "b"}}},
            "Running",
            {"a": "b"},
            "00:00:35",
        ),
        ({}, "Succeeded", {}, None),
    ],
)
def test_a_pod_is_deleted_as_its_workflow_says(policy, workflow_phase, of_pod, want):
    found = collection.pods_to_delete(workflow(workflow_phase, podGC=policy), {"p": pod(**of_pod)})
    assert {name: f"{due:%H:%M:%S}" for name, due in found.items()} == ({"p": want} if want else {})


def test_a_pod_stays_until_its_end_is_in_the_status():
    policy = {"strategy": "OnPodCompletion", "deleteDelayDuration": "0"}
    assert collection.pods_to_delete(workflow("Running", podGC=policy), {"p": pod(node="m")}) == {}
    assert collection.pods_to_delete(workflow("Running", podGC=policy), {"p": pod(node="unknown")}) == {}
