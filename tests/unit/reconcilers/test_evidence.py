"""A run vouches for the record that it left, and for no other one."""

import pytest

import builders as b
from mlplane.reconcilers import evaluation as evaluations

OTHER = "sha256:" + "7" * 64


def planned(body, run):
    typed = b.TYPES["Evaluation"].model_validate(body)
    bodies = (b.model_version(), run)
    return evaluations.plan(typed, b.observed_by(evaluations, typed, bodies), b.NOW, b.SETTINGS)


def test_the_record_that_a_run_left_needs_no_second_look():
    plan = planned(b.evaluation(**b.of_a_run()), b.finished_run())
    assert (plan.status.verdict, plan.create) == ("Passed", ())


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"dataset": {"name": "hard", "digest": b.DATA_DIGEST}},
        {"dataset": {"name": "digits", "digest": OTHER}},
        {"split": "night"},
    ],
    ids=["of another dataset", "of another version", "of another split"],
)
def test_what_a_run_found_vouches_for_nothing_that_it_did_not_look_at(elsewhere):
    """The outcome is the run's, to the letter; it has to be borne out by its report, which says of what."""
    borrowed = b.evaluation("borrowed", **b.of_a_run())
    borrowed["spec"] |= elsewhere
    plan = planned(borrowed, b.finished_run())
    assert plan.status.verdict is None
    assert [step["name"] for step in plan.create[0]["spec"]["templates"][1:]] == ["verify"]
