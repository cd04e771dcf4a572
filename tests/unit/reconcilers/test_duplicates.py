"""Which of two runs of the same work waits for the other."""

import pytest

import builders as b
from mlplane.reconcilers import trainingrun

FIRST, SECOND = "2026-01-02T03:00:00Z", "2026-01-02T03:00:01Z"
AT_WORK = {"workflow": "digits-1-1", "attempt": 1, "conditions": [b.condition("Ready", "False", "Running")]}
DONE = {"conditions": [b.condition("Complete", "True", "Succeeded")]}
SUSPENDED = AT_WORK | {
    "conditions": [b.condition("Ready", "False", "Suspended"), b.condition("Suspended", "True", "Suspended")]
}


def run(name, created=FIRST, status=None, **spec):
    made = b.run(name, status, creationTimestamp=created)
    made["spec"] |= spec
    return made


def waits_for(mine, *others):
    """What a run waits for; empty if it starts."""
    typed = b.TYPES["TrainingRun"].model_validate(mine)
    observed = b.observed_by(trainingrun, typed, (b.ready_dataset(), mine, *others))
    plan = trainingrun.plan(typed, observed, b.NOW, b.SETTINGS)
    ready = next(c for c in plan.status.conditions if c.type == "Ready")
    assert bool(plan.create) == (ready.reason == "Running")
    return ready.message.split('"')[1] if ready.reason == "DuplicateOf" else ""


@pytest.mark.parametrize(
    ("other", "holds"),
    [
        (run("a"), True),
        (run("c"), False),
        (run("c", "2026-01-02T02:00:00Z"), True),
        (run("a", SECOND), False),
        (run("a", SECOND, AT_WORK), True),
        (run("a", status=DONE), False),
        (run("a", status={"conditions": [b.condition("Failed", "True", "RunFailed")]}), False),
        (run("a", status=SUSPENDED, suspend=True), False),
        (run("a", status=AT_WORK, suspend=True), True),
        (run("a", suspend=True), False),
        (run("a", status=SUSPENDED), True),
        (run("a", status={"conditions": [b.condition("Ready", "False", "BaselineMissing")]}), False),
        (run("a", status={"conditions": [b.condition("Ready", "False", "DatasetNotReady")]}), True),
        (run("a", status={"conditions": [b.condition("Ready", "False", "DatasetMissing")]}), True),
        (run("a", status={"conditions": [b.condition("Ready", "False", "DuplicateOf")]}), True),
    ],
    ids=[
        "first by name", "later by name", "earlier", "later", "later and at work", "finished", "failed",
        "suspended", "still stopping", "suspended before it started", "about to go on again",
        "kept by something else", "about to start", "about to start, too", "waiting as well",
    ],
)  # fmt: skip
def test_a_run_waits_for_one_that_does_its_work_first(other, holds):
    assert waits_for(run("b"), other) == (other["metadata"]["name"] if holds else "")


OTHER_CODE = {"git": {"url": b.URL, "path": "train", "commit": "d" * 40}}
STRICTER = b.run(minimum="0.99")["spec"]["evaluation"]


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"params": {"epochs": 30, "lr": "0.02"}}, False),
        ({"params": {"epochs": "30", "lr": "0.01"}}, True),
        ({"seed": 8}, False),
        ({"code": OTHER_CODE}, False),
        ({"evaluation": STRICTER}, True),
        ({"model": "other"}, False),
        ({"ttlSecondsAfterFinished": 5}, True),
    ],
)
def test_the_same_work_is_what_has_the_same_run_key(change, is_same):
    assert waits_for(run("b"), run("a", **change)) == ("a" if is_same else "")


def test_a_run_on_an_earlier_version_of_the_dataset_does_other_work():
    resolved = {"resolved": {"dataset": {"digest": "sha256:" + "0" * 64}}}
    assert waits_for(run("b"), run("a", status=AT_WORK | resolved)) == ""
    resolved["resolved"]["dataset"]["digest"] = b.DATA_DIGEST
    assert waits_for(run("b"), run("a", status=AT_WORK | resolved)) == "a"


def test_of_three_each_waits_for_the_first_and_of_two_none_waits_for_the_other():
    three = [run(name) for name in "abc"]
    assert [waits_for(mine, *(o for o in three if o is not mine)) for mine in three] == ["", "a", "a"]


def test_one_that_cannot_be_read_keeps_nobody():
    broken = run("a")
    del broken["spec"]["evaluation"]
    assert waits_for(run("b"), broken) == ""


def test_a_run_at_work_does_not_read_the_others():
    typed = b.TYPES["TrainingRun"].model_validate(run("a", status=AT_WORK))
    queries = [ref for ref in trainingrun.refs(typed, b.SETTINGS) if ref.kind == "TrainingRun"]
    assert queries == []
