"""What tasks wait for."""

import pytest

from mlplane.local.workflows import depends
from mlplane.local.workflows.exprfunctions import ExpressionError


def task(name, **more):
    return {"name": name, "template": "t", **more}


TASKS = {name: task(name) for name in ("A", "B-1", "C")} | {
    "F": task("F", continueOn={"failed": True, "error": True})
}


@pytest.mark.parametrize(
    ("waiting", "want"),
    [
        ({}, ""),
        ({"depends": "A"}, "(A.Succeeded || A.Skipped || A.Daemoned)"),
        ({"depends": "A.Failed && !B-1.Succeeded"}, "A.Failed && !B-1.Succeeded"),
        (
            {"dependencies": ["A", "F"]},
            "(A.Succeeded || A.Skipped || A.Daemoned) && "
            "(F.Succeeded || F.Skipped || F.Daemoned || F.Errored || F.Failed)",
        ),
    ],
)
def test_a_name_alone_stands_for_an_end_that_went_well(waiting, want):
    assert depends.condition_of(task("x", **waiting), TASKS) == want


def test_a_task_waits_for_all_that_it_names():
    assert depends.names_in(task("x", depends="(A.Failed || B-1) && !A.Skipped")) == ["A", "B-1"]
    assert depends.names_in(task("x", dependencies=["C", "A"])) == ["C", "A"]


PHASES = {
    "Succeeded": "Succeeded",
    "Failed": "Failed",
    "Error": "Errored",
    "Skipped": "Skipped",
    "Omitted": "Omitted",
}


@pytest.mark.parametrize(("phase", "result"), PHASES.items())
def test_each_phase_is_one_result(phase, result):
    found = depends.results_of({"type": "Pod", "phase": phase}, [])
    assert [name for name, held in found.items() if held] == [result]


@pytest.mark.parametrize(
    ("phases", "any_succeeded", "all_failed"),
    [
        (["Succeeded", "Failed"], True, False),
        (["Failed", "Failed"], False, True),
        (["Failed", "Error"], False, False),
        (["Skipped"], False, False),
    ],
)
def test_a_loop_has_results_of_its_turns(phases, any_succeeded, all_failed):
    turns = [{"type": "Pod", "phase": phase} for phase in phases]
    found = depends.results_of({"type": "TaskGroup", "phase": "Failed"}, turns)
    assert (found["AnySucceeded"], found["AllFailed"]) == (any_succeeded, all_failed)


@pytest.mark.parametrize(
    ("condition", "want"),
    [
        ("A && B-1", False),
        ("A || B-1", True),
        ("A && (B-1.Succeeded || B-1.Failed)", True),
        ("!B-1.Succeeded", True),
        ("!(A.Succeeded && B-1.Failed)", False),
    ],
)
def test_a_condition_combines_results(condition, want):
    results = {
        "A": depends.results_of({"type": "Pod", "phase": "Succeeded"}, []),
        "B-1": depends.results_of({"type": "Pod", "phase": "Failed"}, []),
    }
    assert depends.is_met(depends.condition_of(task("x", depends=condition), TASKS), results) == want


def test_a_condition_that_is_none_is_an_error():
    with pytest.raises(ExpressionError):
        depends.is_met("A.Succeeded &&", {"A": {"Succeeded": True}})


def test_results_that_do_not_exist_are_named():
    assert depends.unknown_results(task("x", depends="A.Succeeded || A.Done")) == [
        "task result 'Done' for task 'A' is invalid"
    ]
