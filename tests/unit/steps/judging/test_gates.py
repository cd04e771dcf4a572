"""Verdicts, as tables."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.api.judgement import Gate, GateResult
from mlplane.steps.judging.gates import Measured, judge, overall

ROWS = 100


def judged(value, baseline=None, *, rows=ROWS, compared=True, least=30, **gate):
    return judge(
        Gate(metric="accuracy", **gate),
        Measured(rows, value, baseline=baseline),
        min_samples=least,
        compared=compared,
    )


@pytest.mark.parametrize(
    ("value", "bounds", "shown", "verdict"),
    [
        (0.95, {"min": "0.95"}, "0.9500", "Passed"),
        (94999 / 100000, {"min": "0.95"}, "0.9499", "Failed"),
        (1 / 3, {"min": "0.3333"}, "0.3333", "Passed"),
        (1 / 3, {"min": "0.33334"}, "0.3333", "Failed"),
        (0.3333355, {"min": "0.33333"}, "0.333335", "Passed"),
        (2 / 3, {"min": "0.6667"}, "0.6666", "Failed"),
        (0.0, {"min": "0"}, "0.0000", "Passed"),
        (1.0, {"min": "1.1"}, "1.0000", "Failed"),
        (0.1 + 0.2, {"max": "0.3"}, "0.3001", "Failed"),
        (0.30004, {"max": "0.3"}, "0.3001", "Failed"),
        (0.000003, {"max": "0.00001"}, "0.000003", "Passed"),
        (0.00003, {"max": "0.00001"}, "0.0001", "Failed"),
        (0.5, {"min": "0.4", "max": "0.6"}, "0.5000", "Passed"),
        (0.60001, {"min": "0.4", "max": "0.6"}, "0.6001", "Failed"),
        (0.39999, {"min": "0.4", "max": "0.6"}, "0.3999", "Failed"),
        (-0.00001, {"min": "0"}, "-0.0001", "Failed"),
        (-0.00001, {"max": "0"}, "0.0000", "Passed"),
        (1e300, {"max": "5"}, "100000000000000000.0000", "Failed"),
    ],
)
def test_a_bound_is_held_against_the_measured_value(value, bounds, shown, verdict):
    result = judged(value, **bounds)
    assert (result.value, result.verdict, result.reason) == (shown, verdict, None)


@pytest.mark.parametrize(
    ("value", "baseline", "bounds", "shown", "verdict"),
    [
        (0.95, 0.90, {"min_change": "0.05"}, ("0.9500", "0.9000"), "Passed"),
        (0.94, 0.90, {"min_change": "0.05"}, ("0.9400", "0.9000"), "Failed"),
        (0.89, 0.90, {"min_change": "-0.01"}, ("0.8900", "0.9000"), "Passed"),
        (0.889996, 0.90, {"min_change": "-0.01"}, ("0.8899", "0.9000"), "Failed"),
        (0.94996, 0.900004, {"min_change": "0.05"}, ("0.9499", "0.9001"), "Failed"),
        (0.99, 0.90, {"min_relative_change": "0.1"}, ("0.9900", "0.9000"), "Passed"),
        (0.98, 0.90, {"min_relative_change": "0.1"}, ("0.9800", "0.9000"), "Failed"),
        (12.0, 10.0, {"max_relative_change": "0.1"}, ("12.0000", "10.0000"), "Failed"),
        (11.0, 10.0, {"max_relative_change": "0.1"}, ("11.0000", "10.0000"), "Passed"),
        (10.5, 10.0, {"max_change": "0.4"}, ("10.5000", "10.0000"), "Failed"),
        (-1.0, -2.0, {"min_relative_change": "0.5"}, ("-1.0000", "-2.0000"), "Passed"),
        (-3.0, -2.0, {"min_relative_change": "0"}, ("-3.0000", "-2.0000"), "Failed"),
        (0.5, 0.0, {"min_change": "0.5"}, ("0.5000", "0.0000"), "Passed"),
    ],
)
def test_a_change_is_held_against_the_difference_from_the_baseline(value, baseline, bounds, shown, verdict):
    result = judged(value, baseline, **bounds)
    assert ((result.value, result.baseline), result.verdict, result.reason) == (shown, verdict, None)


@pytest.mark.parametrize(
    ("measured", "bounds", "verdict", "reason"),
    [
        ({"value": None}, {"min": "0"}, "Inconclusive", "the metric is not defined on these records"),
        ({"value": None, "rows": 0}, {"min": "0"}, "Inconclusive", "0 records are fewer than minSamples, 30"),
        (
            {"value": 1.0, "rows": 29},
            {"min": "0"},
            "Inconclusive",
            "29 records are fewer than minSamples, 30",
        ),
        (
            {"value": 0.0, "rows": 29},
            {"min": "1"},
            "Inconclusive",
            "29 records are fewer than minSamples, 30",
        ),
        ({"value": 1.0, "rows": 30}, {"min": "0"}, "Passed", None),
        ({"value": 0.5, "baseline": 0.0}, {"min_relative_change": "0"}, "Inconclusive", "the baseline is 0"),
        ({"value": 0.5, "baseline": None}, {"min_change": "0"}, "Inconclusive", "the baseline has no value"),
        ({"value": 0.5, "baseline": 0.0}, {"min_relative_change": "0", "min": "0.6"}, "Failed", None),
        ({"value": 0.5, "baseline": None}, {"min": "0"}, "Passed", None),
        ({"value": 0.5, "compared": False}, {"min_change": "0.1"}, "Passed", None),
        ({"value": 0.5, "compared": False}, {"min_relative_change": "0.1"}, "Passed", None),
        ({"value": 0.5, "compared": False}, {"min_change": "0.1", "min": "0.6"}, "Failed", None),
    ],
)
def test_what_cannot_be_told_is_inconclusive_with_a_reason(measured, bounds, verdict, reason):
    result = judged(**measured, **bounds)
    assert result.verdict == verdict
    assert (result.reason or "").startswith(reason or "")
    assert bool(result.reason) == bool(reason)


def test_an_interval_holds_what_was_measured():
    gate = Gate(metric="accuracy", min="0.5")
    result = judge(gate, Measured(50, 0.61238, (0.51239, 0.70001)), min_samples=30, compared=False)
    assert (result.value, result.interval.low, result.interval.high) == ("0.6123", "0.5123", "0.7001")


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [
        (["Passed", "Passed"], "Passed"),
        (["Passed", "Inconclusive"], "Inconclusive"),
        (["Inconclusive", "Failed", "Passed"], "Failed"),
        (["Passed", "Warning Failed"], "Passed"),
        (["Warning Inconclusive"], "Passed"),
        (["Inconclusive", "Warning Failed"], "Inconclusive"),
    ],
)
def test_the_worst_verdict_of_the_gates_that_count_is_that_of_all(verdicts, wanted):
    def result(text):
        *warning, verdict = text.split()
        gate = Gate(metric="f1", min="0", severity="Warning" if warning else None)
        return GateResult(gate=gate, verdict=verdict, rows=5)

    assert overall(map(result, verdicts)) == wanted


BOUNDS = ["min", "max", "min_change", "max_change", "min_relative_change", "max_relative_change"]
numbers = st.floats(-100, 100) | st.sampled_from([0.0, 0.95, 0.1 + 0.2, 1e-9])
bounds = st.decimals(-100, 100, places=6).map(str)


@given(numbers, numbers | st.none(), st.sampled_from(BOUNDS), bounds, bounds)
def test_a_stricter_bound_never_makes_a_better_verdict(value, baseline, bound, one, other):
    looser, stricter = sorted((one, other), key=Decimal, reverse=bound.startswith("max"))
    before, after = (judged(value, baseline, **{bound: b}).verdict for b in (looser, stricter))
    assert ["Passed", "Inconclusive", "Failed"].index(before) <= ["Passed", "Inconclusive", "Failed"].index(
        after
    )


@given(numbers, numbers, st.dictionaries(st.sampled_from(BOUNDS), bounds, min_size=1))
def test_what_is_printed_never_looks_like_a_pass_where_it_is_a_miss(value, baseline, limits):
    result = judged(value, baseline, **limits)
    shown = judged(float(result.value), None if result.baseline is None else float(result.baseline), **limits)
    if result.verdict == "Failed":
        assert shown.verdict != "Passed"
