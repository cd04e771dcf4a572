"""The oracle objects to what must not be, and to nothing else."""

import json

import pytest

from faults.crash import oracle
from faults.crash.campaign import cases, missed, points, sample, sampled
from faults.crash.classes import class_of
from faults.crash.journal import Journal
from faults.crash.repository import commit_all, make_repository
from faults.crash.scenarios import SCENARIOS
from faults.crash.variant import Outcome
from faults.crash.world import PARTS, PROCESSES, Point
from faults.proxy import Request
from faults.revision import revision

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
CLASSES = {part: ["POST pods"] + ["PATCH pods"] * (number - 1) for part, number in WRITES.items()}
REFERENCES = {name: Outcome(name, None, writes=WRITES, classes=CLASSES) for name in ("one", "two")}


def test_every_write_is_a_crash_point_on_both_sides_and_every_deletion_one():
    found = cases(REFERENCES)
    assert len(found) == len(set(found)) == 2 * (2 * (5 + 8 + 13) + 2)
    assert {(p.write, p.after) for p in points("controller", range(1, 6))} == {
        (n, after) for n in range(1, 6) for after in (False, True)
    }


def test_the_first_crash_points_are_spread_over_all_scenarios_and_processes():
    first = cases(REFERENCES)[: 2 * len(PARTS)]
    assert {(name, point.part) for name, point in first} == {(n, p) for n in REFERENCES for p in PARTS}


def test_the_first_and_the_last_write_of_each_class_come_before_all_others():
    found = [point for _, point in cases(REFERENCES)]
    firsts, befores = 2 * 4 * 2, 2 * 3 * 2  # 1 and 2 of two stories; the collector is not killed before
    assert {(p.write, p.after) for p in found[:firsts]} == {(1, True), (2, True)}
    assert {(p.write, p.after) for p in found[firsts:][:befores]} == {(1, False), (2, False)}
    lasts = {(part, number) for part, number in WRITES.items() if part != "collector"}
    assert {(p.part, p.write) for p in found[firsts + befores :][: 2 * 2 * 3]} == lasts


@pytest.mark.parametrize(
    ("method", "path", "body", "named"),
    [
        ("POST", "/api/v1/namespaces/default/pods", {"status": {}}, "POST pods"),
        (
            "PATCH",
            "/api/v1/namespaces/default/pods/a/status",
            {"status": {"phase": "Running"}},
            "PATCH pods/status Running",
        ),
        ("DELETE", "/apis/argoproj.io/v1alpha1/namespaces/a/workflows/b", None, "DELETE workflows"),
        ("PATCH", "/api/v1/nodes/a", [{"op": "remove"}], "PATCH nodes"),
        (
            "PATCH",
            "/apis/mlplane.dev/v1alpha1/namespaces/default/datasets/a/status",
            {"status": {"conditions": [condition("Ready", "False") | {"reason": "Ingesting"}]}},
            "PATCH datasets/status Ready=False:Ingesting",
        ),
    ],
)
def test_the_class_of_a_write_is_its_verb_its_resource_and_what_it_says(method, path, body, named):
    text = b"" if body is None else json.dumps(body).encode()
    assert class_of(Request(1, method, path, "", {}, text, 1)) == named


@pytest.mark.parametrize(
    "point",
    [
        Point("controller", 3, after=True),
        Point("apiserver", 1, after=False, of="engines PATCH nodes/status DiskPressure=False:KubeletHasNone"),
    ],
)
def test_a_crash_point_is_read_as_it_is_written(point):
    assert Point.parse(str(point)) == point


def test_a_class_that_was_not_hit_is_tried_by_itself():
    classes = {part: [] for part in PARTS} | {"controller": ["POST a", "POST b", "POST a"]}
    told = [
        Outcome("one", Point("controller", 1, after), killed_class=written)
        for after, written in ((True, "POST a"), (False, "POST a"), (True, "POST b"))
    ]
    missing = missed({"one": Outcome("one", None, classes=classes)}, told)
    assert missing == [("one", Point("controller", 1, after=False, of="POST b"))]


def test_a_journal_gives_back_the_last_outcome_of_each_crash_point_of_the_same_code(tmp_path):
    point = Point("controller", 3, after=True)
    file = tmp_path / "kept" / "journal.jsonl"
    Journal(file, "other", 3.0).add(Outcome("one", point, faults=["of other code"]))
    journal = Journal(file, "this", 3.0)
    for faults in (["first"], []):
        journal.add(
            Outcome("one", point, killed="POST /x", killed_class="POST x", seconds=1.5, faults=faults)
        )
    assert Journal(file, "this", 10.0).outcomes() == []
    assert journal.outcomes() == [
        Outcome("one", point, killed="POST /x", killed_class="POST x", seconds=1.5),
    ]


def test_a_journal_gives_back_a_reference_as_it_was(tmp_path):
    reference = Outcome(
        "one",
        None,
        writes=WRITES,
        classes=CLASSES,
        state={"Pod a/b": {"kind": "Pod"}},
        counts={"Pod a/b": (1, 0)},
        setbacks={"x", "y"},
    )
    journal = Journal(tmp_path / "journal.jsonl", "this", 3.0)
    journal.add(reference)
    assert journal.references() == {"one": reference}


def test_a_revision_changes_with_what_is_tested_alone(tmp_path):
    repository = make_repository(tmp_path / "repository")
    (repository / "controller").mkdir()
    code, page = repository / "controller" / "code.py", repository / "README.md"
    code.write_text("1\n")
    commit_all(repository, "Code")
    first = revision(repository)
    page.write_text("Other words.\n")
    commit_all(repository, "Words")
    assert revision(repository) == first
    code.write_text("2\n")
    changed = revision(repository)
    code.with_name("more.py").touch()
    assert len({first, changed, revision(repository)}) == 3


def test_the_sample_covers_all_stories_and_processes_on_both_sides():
    references = {name: Outcome(name, None, writes=WRITES) for name in SCENARIOS}
    chosen = sample(references)
    assert [(name, point.part) for name, point in chosen] == sampled()
    assert {name for name, _ in chosen} == {name for name, s in SCENARIOS.items() if not s.is_real}
    assert all(1 <= point.write <= WRITES[point.part] for _, point in chosen)
    sides = {(point.part, point.after) for _, point in chosen}
    assert sides == {(part, after) for part in PROCESSES for after in (True, False)}
