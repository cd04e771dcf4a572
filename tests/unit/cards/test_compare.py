"""What may be compared, which is better, and where two versions differ."""

import pytest

import cardcases as c
from mlplane.cards.compare import compare
from mlplane.cards.measures import Measured, Side, measures
from mlplane.cards.report import Metric, Report

OTHER_DATA = {"dataset": {"name": "tumours", "digest": "sha256:" + "5" * 64}}
OF_OLD = {"model": {"name": "tumours", "digest": c.OLD}}


def version(letter: str, *judged, **changes):
    return c.subject(*judged, name=f"tumours-{letter * 8}", digest=f"sha256:{letter * 64}", **changes)


def old(**changes):
    return version("b", c.judged(c.approved_report(**OF_OLD | changes)))


def new(**changes):
    return version("e", c.judged(c.rejected_report(**changes)))


def numbers(first: dict, second: dict, **plans) -> tuple[dict, list[str]]:
    """What is compared of two reports, by slice and metric."""
    found, notes = measures(Side(Report.of(first, "r")), Side(Report.of(second, "r")))
    return {(part.slice, each.metric): each for part in found for each in part.metrics}, notes


def of_metric(name: str, gate: dict | None = None, **metric) -> dict:
    return c.report([c.result("f1", "0.5", **gate or {"min": "0.1"})], {name: c.metric(**metric)}, **OF_OLD)


@pytest.mark.parametrize(
    ("metric", "first", "second", "better"),
    [
        ("accuracy", 0.9, 0.95, "B"),
        ("accuracy", 0.95, 0.9, "A"),
        ("accuracy", 0.9, 0.9, "same"),
        ("log_loss", 0.2, 0.3, "A"),
        ("mae", 0.3, 0.2, "B"),
        ("r2", -0.5, 0.5, "B"),
        ("cost", 1, 2, "unknown"),
        ("accuracy", None, 0.9, "unknown"),
    ],
)
def test_the_better_one_has_more_or_less_as_the_metric_says(metric, first, second, better):
    found, notes = numbers(of_metric(metric, value=first), of_metric(metric, value=second))
    assert (found["", metric].better, notes) == (better, [])


@pytest.mark.parametrize(
    ("bounds", "better"),
    [({"max": "9"}, "A"), ({"minChange": "0"}, "B"), ({"min": "0", "max": "9"}, "unknown")],
)
def test_a_gate_says_which_is_better_of_the_users_metric(bounds, better):
    reports = [c.report([c.result("cost", "1", **bounds)], {"cost": c.metric(value)}) for value in (1, 2)]
    assert numbers(*reports)[0]["", "cost"].better == better


@pytest.mark.parametrize(
    ("first", "second", "of_change", "is_clear"),
    [
        ((0.80, 0.88), (0.89, 0.95), None, True),
        ((0.89, 0.95), (0.80, 0.88), None, True),
        ((0.80, 0.90), (0.89, 0.95), None, False),
        (None, (0.89, 0.95), None, False),
        (None, None, None, False),
        ((0.80, 0.90), (0.89, 0.95), (0.01, 0.09), True),
        ((0.80, 0.90), (0.89, 0.95), (-0.09, -0.01), True),
        ((0.80, 0.88), (0.89, 0.95), (-0.01, 0.09), False),
    ],
)
def test_a_difference_is_clear_if_no_interval_says_that_it_may_be_chance(first, second, of_change, is_clear):
    left, right = Metric(value=0.85, interval=first), Metric(value=0.92, interval=second)
    assert Measured("accuracy", left, right, 0.07, of_change, lower_is_better=False).is_clear == is_clear


def test_numbers_on_the_same_data_are_compared_with_the_interval_of_the_paired_difference():
    (shared,) = compare(old(), new()).shared
    assert (shared.data.dataset, shared.data.digest, shared.data.split) == (
        "tumours",
        c.b.DATA_DIGEST,
        "test",
    )
    parts = {part.slice: part for part in shared.measures}
    assert {name: part.rows for name, part in parts.items()} == {"": 114, "small": 62, "large": 52}
    (small,) = parts["small"].metrics
    assert (small.better, small.is_clear, small.change_interval) == ("A", True, (-0.1, -0.01))
    assert small.change == pytest.approx(-0.048387)


def test_the_interval_turns_with_the_question():
    (shared,) = compare(new(), old()).shared
    small = {part.slice: part.metrics for part in shared.measures}["small"][0]
    assert (small.better, small.is_clear, small.change_interval) == ("B", True, (0.01, 0.1))


def test_gates_stand_side_by_side_if_they_ask_the_same():
    same = c.rejected_report()["gates"][1:]
    first = version("b", c.judged(c.report(same, {}, **OF_OLD)))
    (shared,) = compare(first, new()).shared
    asked = {(gate.gate.metric, gate.gate.slice): (gate.first, gate.second) for gate in shared.gates}
    assert [result.verdict for result in asked["accuracy", "small"]] == ["Failed", "Failed"]
    assert asked["accuracy", None][0] is None


@pytest.mark.parametrize("changes", [OTHER_DATA, {"split": {"name": "later", "digest": c.b.DATA_DIGEST}}])
def test_numbers_on_other_data_are_not_compared(changes):
    found = compare(version("a", c.judged(c.approved_report(**changes))), new())
    assert found.shared == []
    assert [letter for letter, _ in found.alone] == ["A", "B"]


def test_a_baseline_that_was_judged_on_other_data_is_compared_by_what_the_others_report_says_of_it():
    found = compare(old(**OTHER_DATA), new())
    (shared,) = found.shared
    accuracy = shared.measures[0].metrics[0]
    assert (accuracy.first.value, accuracy.second.value) == (0.903509, 0.95614)
    assert (accuracy.change_interval, accuracy.first.interval) == ((0.01, 0.09), (0.863509, 0.943509))
    assert [(letter, judged.report.dataset.digest) for letter, judged in found.alone] == [
        ("A", OTHER_DATA["dataset"]["digest"])
    ]
    (turned,) = compare(new(), old(**OTHER_DATA)).shared
    assert turned.measures[0].metrics[0].change_interval == (-0.09, -0.01)


def test_a_judgement_without_a_verdict_is_not_compared():
    waits = c.judged(c.rejected_report(), "it has no report", verdict=None, results=[])
    found = compare(old(), version("e", waits))
    assert (found.shared, [letter for letter, _ in found.alone]) == ([], ["A", "B"])


def test_without_reports_the_gates_are_compared_and_it_is_said_why_there_is_no_more():
    gone = c.judged(c.rejected_report(), "report is not in the store")
    (shared,) = compare(old(), version("e", gone)).shared
    assert (len(shared.gates), shared.measures) == (5, [])
    assert shared.notes == ["tumours-eeeeeeee-1: report is not in the store"]


def test_a_slice_of_other_records_is_not_compared():
    cut = {"slices": [c.SMALL | {"below": "12"}, c.LARGE]}
    found, notes = numbers(c.approved_report(plan=cut), c.rejected_report())
    assert {name for name, _ in found} == {"", "large"}
    assert notes == ["slice small has other records for A than for B"]


def test_a_metric_of_other_code_is_not_compared():
    found, notes = numbers(c.approved_report(evaluator={"tree": "8" * 40}), c.rejected_report())
    assert ("", "missed") not in found
    assert ("", "accuracy") in found
    assert notes == ["the code that measures missed differs"]


@pytest.mark.parametrize("changes", [{"plan": {"label": "stage"}}, {"task": "Regression"}])
def test_metrics_of_other_labels_or_tasks_are_not_compared(changes):
    found, notes = numbers(c.approved_report(), c.rejected_report(**changes))
    assert found == {}
    assert notes[0].startswith("their metrics mean different things: A as Classification of diagnosis")


def test_the_origin_is_compared_field_by_field():
    code = c.b.model_version()["spec"]["lineage"]["code"]
    first = version("b", c.judged(c.approved_report(**OF_OLD)), params={"epochs": "30", "lr": "0.1"})
    second = version(
        "e", c.judged(c.rejected_report()), seed=8, image="other:1",
        code=code | {"commit": "d" * 40}, params={"epochs": "30"},
    )  # fmt: skip
    origin = compare(first, second).origin
    assert [tuple(each) for each in origin.found] == [
        ("model files", "sha256:bbbbbbbbbbbb", "sha256:eeeeeeeeeeee"),
        ("commit", "cccccccccccc", "dddddddddddd"),
        ("image", "ghcr.io/mlplane/runtime:0.1.0", "other:1"),
        ("seed", "7", "8"),
        ("param lr", "0.1", "–"),
    ]
    assert {"code (tree)", "dataset", "split train", "param epochs", "input", "output"} <= set(origin.same)


def test_one_that_was_imported_has_another_kind_of_origin():
    origin = compare(c.imported(source="a table\x1b[2J"), new()).origin
    found = {each.what: (each.first, each.second) for each in origin.found}
    assert found["imported from"] == ("a table·[2J", "–")
    assert found["run"] == ("–", "digits-1")


def test_a_version_compared_with_itself_is_the_same():
    found = compare(new(), new())
    assert found.origin.found == []
    assert {each.better for part in found.shared[0].measures for each in part.metrics} == {"same"}
