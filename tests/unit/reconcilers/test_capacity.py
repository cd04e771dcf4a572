"""A run that asks for what is not there, or whose pods do not start. Messages are as Argo writes them."""

from datetime import UTC, datetime, timedelta

import pytest

import builders as b
from mlplane.api import TrainingRun
from mlplane.capacity import Profile
from mlplane.reconcilers import trainingrun
from mlplane.settings import Settings

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
SOON = STARTED + timedelta(seconds=60)
LATE = STARTED + timedelta(seconds=901)
INSUFFICIENT = "Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu."


def settings(**profile) -> Settings:
    return Settings(store="s3://store", profile=Profile.model_validate(profile))


def passed(message: str, now: datetime = SOON, step: str = "train", **profile):
    """A pass over a run with a pod of this message: the plan, and its condition Ready."""
    body = b.run()
    made = trainingrun.argo.workflow_for_run(
        TrainingRun.model_validate(body), b.run_task(body), 1, settings(**profile)
    )
    workflow = b.with_pending_pod(made, step, message)
    workflow["status"]["nodes"]["x"]["startedAt"] = "2026-01-01T00:00:00Z"
    run = TrainingRun.model_validate(body)
    observed = b.observed_by(trainingrun, run, (workflow, b.ready_dataset()))
    plan = trainingrun.plan(run, observed, now, settings(**profile))
    return plan, next(c for c in plan.status.conditions if c.type == "Ready")


def stalled(plan) -> bool:
    return any(c.type == "Stalled" and c.status == "True" for c in plan.status.conditions)


def test_a_pod_that_finds_no_node_is_waited_for_until_the_deadline():
    plan, ready = passed(INSUFFICIENT)
    assert (ready.reason, stalled(plan)) == ("Running", False)
    assert "3 Insufficient nvidia.com/gpu" in ready.message
    assert plan.requeue_after == timedelta(seconds=840), "nobody wakes the controller when the time is up"


def test_a_pod_that_finds_no_node_stalls_the_run_with_the_schedulers_words():
    plan, ready = passed(INSUFFICIENT, LATE)
    assert (ready.reason, ready.status, stalled(plan)) == ("Unschedulable", "False", True)
    assert ready.message == (
        f"step train has not started: {INSUFFICIENT} (for 900 seconds); "
        "free or add such nodes, and the run goes on; or create a run that asks for less"
    )
    assert plan.status.failure_class == "System"


def test_the_deadline_is_the_operators():
    _, ready = passed(INSUFFICIENT, SOON, pendingDeadlineSeconds=30)
    assert ready.reason == "Unschedulable"


def test_a_run_goes_on_by_itself_when_its_pod_starts():
    plan, _ = passed(INSUFFICIENT, LATE)
    body = b.run(status=plan.status.to_body())
    workflow = b.run_workflow(b.run(), "Running", preflight={})
    run = TrainingRun.model_validate(body)
    after = trainingrun.plan(run, b.observed_by(trainingrun, run, (workflow,)), LATE, settings())
    assert not stalled(after)
    assert after.status.failure_class is None


def test_a_pod_in_a_queue_is_never_late():
    plan, ready = passed("", LATE, queue="ml")
    assert (ready.reason, stalled(plan)) == ("Queued", False)
    assert ready.message == 'step train waits in the queue "ml"'


def test_only_the_step_that_trains_waits_in_a_queue():
    plan, ready = passed("", LATE, step="preflight", queue="ml")
    assert (ready.reason, stalled(plan)) == ("NotStarted", True)
    assert "nobody says why" in ready.message


@pytest.mark.parametrize(
    ("message", "reason", "failure_class", "advice"),
    [
        ("ErrImagePull: no such host", "ImagePullFailed", "System", "make the image available to the nodes"),
        ('ImagePullBackOff: Back-off pulling image "x"', "ImagePullFailed", "System", "make the image"),
        ("InvalidImageName: couldn't parse", "ImagePullFailed", "User", "correct spec.image"),
        (
            'CreateContainerConfigError: secret "wandb" not found',
            "SecretMissing",
            "User",
            "create the Secret with the keys that the script needs, and the run goes on",
        ),
        ("CreateContainerConfigError: couldn't find key k in Secret ns/s", "SecretMissing", "User", "create"),
        ('CreateContainerConfigError: configmap "c" not found', "CannotStart", "System", "an operator"),
    ],
)
def test_what_only_a_person_can_mend_stalls_the_run_at_once(message, reason, failure_class, advice):
    plan, ready = passed(message)
    assert (ready.reason, stalled(plan)) == (reason, True)
    assert message in ready.message
    assert advice in ready.message
    assert plan.status.failure_class == failure_class


def test_of_several_pods_the_one_that_needs_a_person_is_told():
    body = b.run()
    workflow = b.with_pending_pod(b.run_workflow(body), "train", INSUFFICIENT)
    node = workflow["status"]["nodes"]["x"] | {"startedAt": "2026-01-01T00:00:00Z"}
    workflow["status"]["nodes"] = {"x": node, "y": node | {"message": "ErrImagePull: no such host"}}
    run = TrainingRun.model_validate(body)
    plan = trainingrun.plan(run, b.observed_by(trainingrun, run, (workflow,)), SOON, settings())
    assert next(c.reason for c in plan.status.conditions if c.type == "Ready") == "ImagePullFailed"


@pytest.mark.parametrize("message", ["", "ContainerCreating", "PodInitializing"])
def test_a_pod_that_has_just_been_made_is_no_news(message):
    plan, ready = passed(message)
    assert (ready.reason, ready.message) == ("Running", 'Workflow "digits-1-1" runs: progress 0/1')
    assert plan.requeue_after == timedelta(seconds=840)


def test_a_pod_that_waits_for_another_of_its_workflow_is_not_late():
    body = b.run()
    workflow = b.with_pending_pod(b.run_workflow(body), "train", INSUFFICIENT)
    workflow["status"]["nodes"]["x"]["startedAt"] = "2026-01-01T00:00:00Z"
    workflow["status"]["nodes"]["y"] = {"type": "Pod", "phase": "Running", "templateName": "train"}
    run = TrainingRun.model_validate(body)
    plan = trainingrun.plan(run, b.observed_by(trainingrun, run, (workflow,)), LATE, settings())
    assert not stalled(plan)


def test_a_run_that_no_pool_can_take_is_not_started():
    body = b.run()
    body["spec"] |= {"gpus": 8, "gpuType": "h100"}
    run = TrainingRun.model_validate(body)
    pools = [{"name": "h", "gpuType": "h100", "gpusPerNode": 4}]
    observed = b.observed_by(trainingrun, run, (b.ready_dataset(),))
    plan = trainingrun.plan(run, observed, SOON, settings(pools=pools))
    ready = next(c for c in plan.status.conditions if c.type == "Ready")
    assert (plan.create, ready.reason, stalled(plan)) == ((), "NoSuchCapacity", True)
    assert "asks for 8 x h100, the largest pool has 4 on a node" in ready.message
    assert plan.status.failure_class == "User"
    started = trainingrun.plan(run, observed, SOON, settings(pools=[pools[0] | {"gpusPerNode": 8}]))
    assert len(started.create) == 1
    assert started.status.resolved.pool == "h"


def test_a_failure_tells_its_class_and_what_to_do():
    body = b.run()
    workflow = b.with_failed_pod(b.run_workflow(body), "train", "main: OOMKilled (exit code 137)")
    run = TrainingRun.model_validate(body)
    plan = trainingrun.plan(run, b.observed_by(trainingrun, run, (workflow,)), SOON, settings())
    failed = next(c for c in plan.status.conditions if c.type == "Failed")
    assert failed.message == (
        "step train: main: OOMKilled (exit code 137); raise spec.memory or use smaller batches, then create "
        "a run with another name, which goes on from the last checkpoint; "
        'see the logs of Workflow "digits-1-1"'
    )
    assert plan.status.failure_class == "User"
    ended = TrainingRun.model_validate(b.run(status=plan.status.to_body()))
    again = trainingrun.plan(ended, b.observed_by(trainingrun, ended, ()), LATE, settings())
    assert again.status.failure_class == "User", "it stays"
