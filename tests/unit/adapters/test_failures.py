"""Who can mend what a run failed by. Messages are as Argo v4.1 and kubelets write them."""

import pytest

import builders as b
from mlplane.adapters import failures
from mlplane.adapters.failures import failure_of

LOG = "longer than the specified deadline OOMKilled pod deleted Step exceeded its deadline low on resource"
"""What a script may print, from which nothing is to be concluded."""


def failed(message: str, step: str = "train", phase: str = "Failed"):
    workflow = b.with_failed_pod(b.run_workflow(b.run()), step, message)
    workflow["status"]["nodes"]["x"]["phase"] = phase
    return failure_of(workflow)


@pytest.mark.parametrize(
    ("message", "want"),
    [
        (f"main: Error (exit code 1): {LOG}", failures.SCRIPT),
        (f"main: Error (exit code 2): {LOG}", failures.TRIED_ENOUGH),
        (f"main: Error (exit code 3): {LOG}", failures.DATA),
        (f"main: Error (exit code 4): {LOG}", failures.PREEMPTED),
        (f"main: Error (exit code 5): {LOG}", failures.SURROUNDINGS),
        (f"main: Error (exit code 6): {LOG}", failures.OUT_OF_MEMORY),
        (f"main: Error (exit code 7): {LOG}", failures.OUT_OF_GPU_MEMORY),
        (f"main: Error (exit code 8): {LOG}", failures.GPU_FAILS),
        ("main: OOMKilled (exit code 137)", failures.OUT_OF_MEMORY),
        ("main: OOMKilled (exit code 2): script train.py was ended by SIGKILL", failures.OUT_OF_MEMORY),
        ("main: Error (exit code 137)", failures.PREEMPTED),
        ("main: Error (exit code 143)", failures.PREEMPTED),
        ("main: Error (exit code 139): Segmentation fault", failures.SCRIPT),
        ("main: StartError (exit code 128): exec: python: not found", failures.NO_COMMAND),
        ("init: Error (exit code 64): cannot enter", failures.SURROUNDINGS),
        ("wait: Error (exit code 1): workflowtaskresults is forbidden", failures.SURROUNDINGS),
        (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 48Mi.",
            failures.NODE_IS_SHORT,
        ),
        ("The node had condition: [DiskPressure]. ", failures.NODE_IS_SHORT),
        ('Usage of EmptyDir volume "shm" exceeds the limit "1Gi". ', failures.SMALL_SHARED_MEMORY),
        (
            "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ",
            failures.TOO_MUCH_WRITTEN,
        ),
        ("pod deleted", failures.PREEMPTED),
        ("Pod was terminated in response to imminent node shutdown.", failures.PREEMPTED),
        ("Preempted in order to admit critical pod", failures.PREEMPTED),
        ("Step exceeded its deadline", failures.TOO_LATE),
        ("Pod was active on the node longer than the specified deadline", failures.TOO_LATE),
        ("workflow shutdown with strategy:  Terminate", failures.STOPPED),
        ('pods "x" is forbidden: exceeded quota: gpus', failures.SURROUNDINGS),
        ("Pod failed before main container starts due to ErrImagePull: no such host", failures.SURROUNDINGS),
        ("", failures.SURROUNDINGS),
    ],
)
def test_the_class_of_a_failure(message, want):
    assert failed(message) == want


def test_a_step_without_a_limit_that_has_too_little_memory_is_no_fault_of_the_user():
    assert failed("main: OOMKilled (exit code 137)", "evaluate") == failures.NODE_IS_SHORT


def test_a_deadline_counts_whatever_the_pod_ended_with():
    workflow = b.with_failed_pod(b.run_workflow(b.run()), "train", "main: Error (exit code 4): stopped")
    retry = {"type": "Retry", "phase": "Failed", "message": "retry exceeded workflow deadline 2026-01-01"}
    workflow["status"]["nodes"]["y"] = retry
    assert failure_of(workflow) == failures.TOO_LATE


def test_what_was_stopped_before_it_had_a_pod_was_stopped():
    workflow = b.run_workflow(b.run()) | {"status": {"message": "Stopped with strategy 'Stop'"}}
    assert failure_of(workflow) == failures.STOPPED


@pytest.mark.parametrize("status", [{}, {"message": "invalid spec: x"}, {"nodes": {"x": None}, "message": 7}])
def test_a_workflow_that_says_little_is_a_fault_of_the_system(status):
    workflow = b.run_workflow(b.run()) | {"status": {"phase": "Error"} | status}
    assert failure_of(workflow) == failures.SURROUNDINGS
