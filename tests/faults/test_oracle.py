"""The oracle objects to what must not be, and to nothing else."""

import pytest

from faults.crash import oracle
from faults.crash.campaign import cases, points, sample, sampled
from faults.crash.scenarios import SCENARIOS
from faults.crash.variant import Outcome
from faults.crash.world import PARTS, PROCESSES

OWNER = {"apiVersion": "mlplane.dev/v1alpha1", "kind": "TrainingRun", "name": "a", "uid": "owner"}


def body(kind="TrainingRun", name="a", uid="u", version=1, owner=None, **more):
    metadata = {"name": name, "namespace": "default", "uid": uid, "resourceVersion": str(version)}
    metadata |= {"ownerReferences": [owner]} if owner else {}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **more}


def history(*bodies):
    seen = oracle.History()
    for each in bodies:
        seen.saw(each)
    return seen


def condition(type_, status, generation=1):
    return {"type": type_, "status": status, "observedGeneration": generation}


def setbacks(kind, *statuses):
    states = (body(kind, version=n, status=status) for n, status in enumerate(statuses, 1))
    return {what.partition(": ")[2] for what in oracle.setbacks(history(*states))}


def test_two_runs_of_a_story_have_the_same_end_state():
    uids = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    one, other = (
        oracle.end_state(
            [body(uid=uid, version=n, status={"url": f"http://x:{port}", "at": f"2026-01-02T03:04:0{n}Z"})],
            {f":{port}": ":PORT"},
        )
        for n, (uid, port) in enumerate(zip(uids, ("4000", "5000"), strict=True))
    )
    assert list(oracle.differences(one, other)) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ([body(status={"x": 2})], ["TrainingRun default/a.status.x is 2, not 1"]),
        ([body()], ["TrainingRun default/a.status is missing"]),
        ([], ["TrainingRun default/a is missing"]),
        ([body(status={"x": 1}), body(name="b")], ["TrainingRun default/b is too much"]),
    ],
    ids=["another value", "no status", "gone", "one more"],
)
def test_another_end_state_is_told(changed, says):
    wanted = oracle.end_state([body(status={"x": 1})], {})
    assert list(oracle.differences(wanted, oracle.end_state(changed, {}))) == says


def test_objects_are_counted_by_what_was_ever_seen_of_them():
    seen = history(body("Pod", uid="one"), body("Pod", uid="one", version=2), body("Pod", uid="two"))
    assert oracle.counts(seen, {"two"}) == {"Pod default/a": (2, 1)}


def test_a_workflow_that_is_made_twice_for_one_owner_is_told():
    twice = [body("Workflow", "a-1", uid, owner=OWNER) for uid in ("one", "two")]
    other_owner = body("Workflow", "a-1", "three", owner={**OWNER, "uid": "other"})
    other_attempt = body("Workflow", "a-2", "four", owner=OWNER)
    assert oracle.repeated_workflows(history(twice[0], other_owner, other_attempt)) == []
    assert oracle.repeated_workflows(history(*twice)) == [
        "Workflow default/a-1 was made 2 times for one owner"
    ]


def test_an_object_whose_owner_has_gone_is_told():
    child = body("Workflow", "a-1", "child", owner=OWNER)
    assert oracle.orphans([child, body(uid="owner")]) == []
    assert oracle.orphans([child]) == ["Workflow default/a-1 belongs to TrainingRun a, which is gone"]


@pytest.mark.parametrize(
    ("kind", "statuses", "says"),
    [
        ("Pod", [{"phase": "Running"}, {"phase": "Pending"}], {"phase went from Running to Pending"}),
        ("Pod", [{"phase": "Failed"}, {"phase": "Succeeded"}], {"phase went from Failed to Succeeded"}),
        ("Pod", [{"phase": "Pending"}, {"phase": "Running"}, {"phase": "Succeeded"}], set()),
        (
            "Pod",
            [{"containerStatuses": [{"name": "main", "restartCount": n}]} for n in (1, 0)],
            {"restartCount of main went down"},
        ),
        ("Workflow", [{"nodes": {"n": {"phase": "Running"}}}, {"nodes": {}}], {"node n vanished"}),
        (
            "Workflow",
            [{"nodes": {"n": {"phase": phase}}} for phase in ("Succeeded", "Running")],
            {"node n went from Succeeded to Running"},
        ),
        ("TrainingRun", [{"attempt": 2}, {"attempt": 1}], {"status.attempt went from 2 to 1"}),
        ("TrainingRun", [{"runKey": "k"}, {}], {"status.runKey vanished"}),
        (
            "TrainingRun",
            [{"conditions": [condition("Complete", status, n)]} for n, status in ((1, "True"), (2, "False"))],
            {"condition Complete was taken back"},
        ),
        (
            "ModelServer",
            [{"conditions": [condition("Ready", status)]} for status in ("True", "False")],
            {"condition Ready was taken back"},
        ),
        (
            "ModelServer",
            [{"conditions": [condition("Ready", status, n)]} for n, status in ((1, "True"), (2, "False"))],
            set(),
        ),
        (
            "ModelServer",
            [{"conditions": [condition("Reconciling", "True")]}, {"conditions": []}],
            set(),
        ),
        (
            "Dataset",
            [
                {"conditions": [condition("Ready", "True"), condition("X", "True")]},
                {"conditions": [condition("Ready", "True")]},
            ],
            {"condition X vanished"},
        ),
    ],
)
def test_a_status_that_goes_backward_is_told(kind, statuses, says):
    assert setbacks(kind, *statuses) == says


WRITES = {"controller": 5, "engines": 8, "apiserver": 13, "collector": 2}
REFERENCES = {name: Outcome(name, None, writes=WRITES) for name in ("one", "two")}


def test_every_write_is_a_crash_point_on_both_sides_and_every_deletion_one():
    found = cases(REFERENCES)
    assert len(found) == len(set(found)) == 2 * (2 * (5 + 8 + 13) + 2)
    assert {(p.write, p.after) for p in points(REFERENCES["one"].writes, "controller")} == {
        (n, after) for n in range(1, 6) for after in (False, True)
    }


def test_the_first_crash_points_are_spread_over_all_scenarios_and_processes():
    first = cases(REFERENCES)[: 2 * len(PARTS)]
    assert {(name, point.part) for name, point in first} == {(n, p) for n in REFERENCES for p in PARTS}


def test_the_sample_covers_all_stories_and_processes_on_both_sides():
    references = {name: Outcome(name, None, writes=WRITES) for name in SCENARIOS}
    chosen = sample(references)
    assert [(name, point.part) for name, point in chosen] == sampled()
    assert {name for name, _ in chosen} == {name for name, s in SCENARIOS.items() if not s.is_real}
    assert all(1 <= point.write <= WRITES[point.part] for _, point in chosen)
    sides = {(point.part, point.after) for _, point in chosen}
    assert sides == {(part, after) for part in PROCESSES for after in (True, False)}
