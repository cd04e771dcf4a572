"""The Workflow that the controller renders for a sweep, played by the engine, and what the run says of it."""

import json
from datetime import UTC, datetime

import pytest

import builders as b
from mlplane.adapters import argo
from mlplane.api import TrainingRun
from mlplane.local.workflows.validation import problems
from mlplane.reconcilers import trainingrun
from mlplane.reconcilers.plan import Plan

KEYS = [f"sha256:{digit * 64}" for digit in "abcdef12"]
NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
SWEEP = {
    "method": "Grid",
    "parameters": [{"name": "width", "values": list(range(8))}],
    "parallelism": 2,
    "objective": {"metric": "loss", "goal": "Minimize"},
}


def run(**status) -> dict:
    body = b.run(status=status or None)
    body["spec"]["sweep"] = SWEEP
    return body


@pytest.fixture
def world(make_world):
    """A sweep whose trials 3 and 5 are in the store, after its preflight."""
    body = run()
    made = argo.workflow_for_run(TrainingRun.model_validate(body), b.run_task(body), 1, b.SETTINGS)
    assert problems(made) == []
    made["metadata"]["uid"] = "u1"
    world = make_world(made)
    world.step()
    trials = [{"index": i, "cached": i in (3, 5)} for i in range(1, 9)]
    world.ends("digits-1-1[0].preflight(0)", trials=json.dumps(trials), keys=json.dumps(KEYS))
    world.step()
    return world


def trials(world, *phases: str) -> dict[str, str]:
    """Name and number of the pods of trials that are in these phases."""
    return {
        node["name"]: node["inputs"]["parameters"][0]["value"]
        for node in world.nodes()
        if node["type"] == "Pod" and node["templateName"] == "train" and node["phase"] in phases
    }


def play(world, codes: dict[str, int]) -> list[str]:
    """End the trials one by one; those of other codes fail. The numbers in the order in which they began."""
    began: list[str] = []
    while active := trials(world, "Pending", "Running"):
        assert len(active) <= 2
        began += [number for number in active.values() if number not in began]
        name, number = min(active.items())
        world.ends(name, codes.get(number, 0), at=world.now(), model="sha256:" + "e" * 64)
        world.step()
        world.clock += 10  # longer than the wait after a failure
        world.step()
    return began


def seen(world, **before) -> Plan:
    """What a pass of its reconciler makes of a run, whose status had this before."""
    found = TrainingRun.model_validate(run(attempt=1, workflow="digits-1-1", **before))
    observed = b.observed_by(trainingrun, found, (world.workflow, b.dataset()))
    return trainingrun.plan(found, observed, NOW, b.SETTINGS)


def ready(plan) -> str:
    return next(c.message for c in plan.status.conditions if c.type == "Ready")


def answered(index: int, **more: str) -> dict:
    return {"index": index, "runKey": KEYS[index - 1], "state": "Succeeded", **more}


def test_two_trials_train_at_a_time_and_those_in_the_store_do_not(world):
    assert play(world, {}) == ["1", "2", "4", "6", "7", "8"]
    pod = world.pod("digits-1-1[2].select(0)")
    assert f"--keys={json.dumps(KEYS)}" in pod["spec"]["containers"][0]["args"]


def test_a_trial_that_waits_to_be_tried_again_keeps_its_place_and_has_not_failed(world):
    first, second = sorted(trials(world, "Pending"))
    world.is_lost(first)
    for _ in range(3):
        world.step()
        assert list(trials(world, "Pending", "Running")) == [second]
        assert seen(world).status.trials == ()
    world.clock += 60
    world.step()
    assert sorted(trials(world, "Pending").values()) == ["1", "2"]


def test_a_trial_that_ends_because_the_run_is_suspended_has_not_failed(world):
    world.workflow["spec"]["shutdown"] = "Terminate"
    world.step()
    assert [trial.index for trial in seen(world).status.trials] == [1, 2, 4, 6, 7, 8], "a person did it"
    world.workflow["metadata"]["annotations"] = {"mlplane.dev/suspended": "true"}
    assert seen(world).status.trials == ()


def test_trials_that_failed_in_an_earlier_attempt_are_not_told_of_the_next(world):
    before = [{"index": 1, "state": "Failed", "message": "main: Error (exit code 1)"}]
    assert seen(world, trials=before).status.trials == ()


def test_a_failed_trial_does_not_stop_the_others_and_the_status_says_why(world):
    assert play(world, {"2": 1}) == ["1", "2", "4", "6", "7", "8"]
    assert ready(seen(world)) == "8 of 8 trials have ended, 1 of them failed; progress 6/8"
    chosen = [answered(1, score="0.5"), {**answered(2), "state": "Failed"}, answered(3, score="0.25")]
    world.ends("digits-1-1[2].select(0)", trials=json.dumps(chosen), key=KEYS[2], model=b.MODEL_DIGEST)
    world.step()
    world.ends("digits-1-1[3].evaluate(0)", report="sha256:" + "9" * 64)
    world.step()
    args = world.pod("digits-1-1[4].publish(0)")["spec"]["containers"][0]["args"]
    assert {f"--key={KEYS[2]}", f"--model={b.MODEL_DIGEST}"} < set(args)
    result = json.loads(b.run_result())
    result["trained"]["key"] = KEYS[2]
    world.ends("digits-1-1[4].publish(0)", result=json.dumps(result))
    assert world.step()["phase"] == "Succeeded"

    plan = seen(world)
    assert plan.status.best_trial == 3
    assert "is published, made by trial 3 of 3; " in ready(plan)
    assert [(t.index, t.params, t.score) for t in plan.status.trials] == [
        (1, {"width": "0"}, "0.5"),
        (2, {"width": "1"}, None),
        (3, {"width": "2"}, "0.25"),
    ]
    assert plan.status.trials[1].message == "main: Error (exit code 1)"
    version = next(body for body in plan.create if body["kind"] == "ModelVersion")
    assert version["spec"]["lineage"]["params"] == {"epochs": "30", "lr": "0.01", "width": "2"}
    assert version["spec"]["lineage"]["run"]["key"] == plan.status.run_key == KEYS[2]


def test_a_run_whose_trials_all_failed_says_of_the_first_ones_why(world):
    play(world, dict.fromkeys("12345678", 1))
    world.ends("digits-1-1[2].select(0)", 1, at=world.now())
    world.step()
    world.clock += 10
    assert world.step()["phase"] == "Failed"
    plan = seen(world)
    why = "; ".join(f"trial {index}: main: Error (exit code 1)" for index in (1, 2, 4))
    assert f"step select: main: Error (exit code 1); {why}; and 3 more; " in ready(plan)
    assert [trial.index for trial in plan.status.trials] == [1, 2, 4, 6, 7, 8]


def test_a_result_of_no_trial_is_not_published(world):
    play(world, {})
    world.ends("digits-1-1[2].select(0)", trials="[]", key=KEYS[0], model=b.MODEL_DIGEST)
    world.step()
    world.ends("digits-1-1[3].evaluate(0)", report="sha256:" + "9" * 64)
    world.step()
    world.ends("digits-1-1[4].publish(0)", result=b.run_result())
    world.step()
    plan = seen(world)
    assert "gave no usable result" in ready(plan)
    assert plan.create == ()


def test_a_sweep_that_cannot_be_meant_is_stalled():
    body = run()
    body["spec"]["sweep"] = SWEEP | {
        "parameters": [{"name": "width", "values": list(range(30))}, {"name": "x", "values": [1, 2, 3, 4]}]
    }
    found = TrainingRun.model_validate(body)
    plan = trainingrun.plan(found, b.observed_by(trainingrun, found, (b.dataset(),)), NOW, b.SETTINGS)
    stalled = next(c for c in plan.status.conditions if c.type == "Stalled")
    assert (stalled.status, stalled.reason) == ("True", "InvalidSweep")
    assert "30 x 4 values make 120 trials; at most 100 are allowed" in stalled.message
