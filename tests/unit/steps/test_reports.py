"""Reports, and what of them fits into an outcome."""

import json

import pytest

from mlplane.api.judgement import Gate, GateResult, Interval
from mlplane.errors import InvalidInput
from mlplane.steps.judging.judgement import Judged
from mlplane.steps.judging.measuring import Measurement, Part
from mlplane.steps.reports import RECORDED_LIMIT, Findings, recorded_in, report_of
from mlplane.tasks import JudgeTask

DIGEST = "sha256:" + "1" * 64
BOUNDS = ("min", "max", "min_change", "max_change", "min_relative_change")
URI = f"store://reports/m/sha256-{'2' * 64}"


def result(name_length=1, **bounds):
    gate = Gate(metric="m" * name_length, slice="s" * name_length, **(bounds or {"min": "0.5"}))
    interval = Interval(low="0.6000", high="0.8000")
    return GateResult(gate=gate, verdict="Passed", rows=99, value="0.7000", interval=interval)


def report(results, metrics=None):
    task = JudgeTask.model_validate(
        {
            "model": "m",
            "dataset": {"name": "d", "digest": DIGEST},
            "splits": [{"name": "test", "digest": DIGEST, "rows": 99}],
            "plan": {"split": "test", "label": "y", "gates": [result.gate.to_body() for result in results]},
        }
    )
    whole = Part(99, metrics or {})
    return report_of(task, DIGEST, Findings(Judged(whole, {"s": whole}), tuple(results), {}, []))


def test_an_outcome_is_read_back_from_its_report():
    recorded = recorded_in(report([result()]), URI)
    assert recorded.results == (result(),)
    assert (recorded.verdict, recorded.rows, recorded.report) == ("Passed", 99, URI)


@pytest.mark.parametrize(
    ("name_length", "bound", "intervals"), [(10, "0.5", True), (63, "0.50000000000000", False)]
)
def test_as_many_gates_as_there_may_be_fit_and_lose_intervals_before_numbers(name_length, bound, intervals):
    many = [result(name_length, **dict.fromkeys(BOUNDS, bound)) for _ in range(64)]
    recorded = recorded_in(report(many), URI)
    assert len(recorded.model_dump_json(by_alias=True, exclude_none=True)) < RECORDED_LIMIT + 1024
    assert all(result.value == "0.7000" for result in recorded.results)
    assert all((result.interval is not None) == intervals for result in recorded.results)


def test_gates_that_do_not_fit_are_refused():
    long = "0." + "1" * 30
    bounds = dict.fromkeys(BOUNDS, long)
    with pytest.raises(InvalidInput, match=r"64 gates have .* bytes; .* use fewer gates, or shorter names"):
        report([result(60, **bounds) for _ in range(64)])


def test_what_is_not_known_is_left_out_and_numbers_have_six_digits():
    made = report(
        [result()], {"f1": Measurement(1 / 3, interval=(0.1234567, 1)), "roc_auc": Measurement(None)}
    )
    assert made["metrics"] == {"f1": {"value": 0.333333, "interval": [0.123457, 1]}, "roc_auc": {}}
    assert made["slices"] == [{"name": "s", "rows": 99, "metrics": made["metrics"]}]
    assert json.loads(json.dumps(made)) == made
