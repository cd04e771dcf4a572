"""What a person reads about a verdict: numbers, and why there is none."""

import pytest

from mlplane.api.evaluation import Recorded
from mlplane.api.judgement import Gate
from mlplane.reconcilers.verdicts import verdict_sentence
from mlplane.steps.judging.gates import Measured, judge, overall

REPORT = f"store://reports/digits/sha256-{'9' * 64}"


def sentence(measured, *, compared=True, **gate):
    result = judge(Gate(metric="f1", **gate), measured, min_samples=30, compared=compared)
    recorded = Recorded(verdict=overall([result]), rows=500, results=(result,), report=REPORT)
    return verdict_sentence(recorded, "digits", "test")


@pytest.mark.parametrize(
    ("said", "measured", "gate"),
    [
        ("f1 0.9000 meets the minimum 0.8", Measured(500, 0.9), {"min": "0.8"}),
        ("f1 of slice a 0.7000 misses the minimum 0.8", Measured(40, 0.7), {"min": "0.8", "slice": "a"}),
        (
            "f1 0.7000 misses a change by at least -0.1 from the baseline's 0.9000",
            Measured(500, 0.7, baseline=0.9),
            {"min_change": "-0.1"},
        ),
        (
            "f1 0.9000 cannot be held against the minimum 0.8: 10 records are fewer than minSamples, 30",
            Measured(10, 0.9),
            {"min": "0.8"},
        ),
        (
            "f1 0.9000 cannot be held against a change by at least 0 of its value "
            "from the baseline's 0.0000: the baseline is 0: there is no relative change",
            Measured(500, 0.9, baseline=0.0),
            {"min_relative_change": "0"},
        ),
        (
            "f1 0.9000 cannot be held against a change by at least 0 from the baseline: "
            "the baseline has no value on these records",
            Measured(500, 0.9),
            {"min_change": "0"},
        ),
        (
            "f1 cannot be measured on 500 rows: the metric is not defined on these records (a warning only)",
            Measured(500, None),
            {"min": "0", "severity": "Warning"},
        ),
    ],
)
def test_a_verdict_is_told_with_its_numbers_or_its_reason(said, measured, gate):
    assert sentence(measured, **gate) == f"{said}; judged on 500 rows of digits/test"


def test_a_change_is_met_while_there_is_nothing_to_compare_with():
    said = sentence(Measured(500, 0.9), compared=False, min_change="0")
    assert said.startswith("f1 0.9000 meets a change by at least 0 from a baseline that does not exist yet; ")


def test_what_decides_is_told_before_warnings():
    warnings = [
        judge(
            Gate(metric=f"m{i}", min="1", severity="Warning"),
            Measured(500, 0.5),
            min_samples=30,
            compared=False,
        )
        for i in range(9)
    ]
    decides = judge(Gate(metric="f1", min="0"), Measured(10, 0.5), min_samples=30, compared=False)
    recorded = Recorded(verdict="Inconclusive", rows=500, results=(*warnings, decides), report=REPORT)
    assert verdict_sentence(recorded, "digits", "test").startswith("f1 0.5000 cannot be held against")
