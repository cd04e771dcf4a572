"""A run's Workflow, played by the engine, whose step train ends again and again in one way.

Statuses of pods are as a kubelet writes them for an eviction, a preemption and so on.
"""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

import builders as b
from mlplane.adapters import argo
from mlplane.api import TrainingRun
from mlplane.reconcilers import trainingrun

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(make_world):
    """A run after its preflight."""
    made = argo.workflow_for_run(TrainingRun.model_validate(b.run()), b.run_task(b.run()), 1, b.SETTINGS)
    made["metadata"]["uid"] = "u1"
    world = make_world(made)
    world.step()
    world.ends("digits-1-1[0].preflight(0)", key=b.RUN_KEY, cached="false", model="")
    world.step()
    return world


def attempts(world, status: dict[str, Any]) -> int:
    """How often the step is tried if each pod ends with this status."""
    tried = 0
    while world.has_pod(name := f"digits-1-1[1].train({tried})"):
        for container in status.get("containerStatuses", ()):
            container["state"]["terminated"]["finishedAt"] = world.now()
        world.becomes(name, {"phase": "Failed"} | deepcopy(status))
        tried += 1
        world.step()
        world.clock += 10  # longer than the wait after a failure
        world.step()
    return tried


def told(world) -> tuple[str, str]:
    """Class and message of the run."""
    found = TrainingRun.model_validate(b.run(status={"attempt": 1, "workflow": "digits-1-1"}))
    observed = b.observed_by(trainingrun, found, (world.workflow, b.ready_dataset()))
    status = trainingrun.plan(found, observed, NOW, b.SETTINGS).status
    failed = next(c for c in status.conditions if c.type == "Failed")
    return status.failure_class, failed.message


def terminated(code: int, reason: str = "Error") -> dict[str, Any]:
    ended = {"exitCode": code, "reason": reason}
    return {"containerStatuses": [{"name": "main", "state": {"terminated": ended}}]}


@pytest.mark.parametrize(
    ("status", "tries", "failure_class", "message"),
    [
        (terminated(137), 21, "Preempted", "taken away again and again; create a run with another name"),
        (terminated(143), 21, "Preempted", "which goes on from the last checkpoint"),
        (terminated(4), 21, "Preempted", "which goes on from the last checkpoint"),
        ({"reason": "NodeLost", "message": "The process was lost"}, 21, "Preempted", "taken away again"),
        (
            {"message": "Pod was terminated in response to imminent node shutdown.", "reason": "Terminated"},
            21,
            "Preempted",
            "taken away again and again",
        ),
        (
            {"message": "Preempted in order to admit critical pod", "reason": "Preempting"},
            21,
            "Preempted",
            "taken away again and again",
        ),
        (
            {"message": "The node was low on resource: memory. Threshold: 100Mi.", "reason": "Evicted"},
            21,
            "System",
            "the nodes have too little memory or disk: an operator has to act",
        ),
        (
            terminated(137) | {"message": 'Usage of EmptyDir volume "shm" exceeds the limit "1Gi". '},
            1,
            "System",
            "the pool's sharedMemory is too small: an operator has to act",
        ),
        (
            terminated(137)
            | {"message": "Pod ephemeral local storage usage exceeds the total limit of 1Gi. "},
            1,
            "User",
            "keep less on the disk of the pod",
        ),
        (
            terminated(137)
            | {"message": 'Container main exceeded its local ephemeral storage limit "1Gi". '},
            1,
            "User",
            "keep less on the disk of the pod",
        ),
        (terminated(2), 4, "System", "git or the store did not answer in four tries"),
        (terminated(6), 4, "User", "raise spec.memory or use smaller batches"),
        (terminated(137, "OOMKilled"), 1, "User", "raise spec.memory or use smaller batches"),
        (terminated(1), 1, "User", "correct the code or the parameters"),
        (terminated(3), 1, "Data", "correct the Dataset, or what the run asks of it"),
        (terminated(5), 1, "System", "an operator has to act"),
    ],
    ids=lambda value: value.get("reason", "") if isinstance(value, dict) else None,
)
def test_a_step_is_tried_again_as_often_as_it_may_help(world, status, tries, failure_class, message):
    assert attempts(world, status) == tries
    said = told(world)
    assert said[0] == failure_class
    assert message in said[1]


def test_a_pod_that_finds_no_node_says_so_on_its_node(world):
    said = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": said}
    name = "digits-1-1[1].train(0)"
    world.becomes(name, {"phase": "Pending", "conditions": [condition]})
    world.step()
    assert (world.node(name)["phase"], world.node(name)["message"]) == ("Pending", f"Unschedulable: {said}")
    world.becomes(name, {"phase": "Pending", "conditions": [condition | {"reason": "SchedulingGated"}]})
    world.step()
    assert "message" not in world.node(name), "Argo says nothing of a pod behind a gate"
