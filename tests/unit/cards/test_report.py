"""A report as a card reads it is what ``steps.reports`` writes."""

import pytest

import cardcases as c
from mlplane.api.judgement import GateResult
from mlplane.cards.report import Metric, Report
from mlplane.errors import Terminal
from mlplane.steps.judging.judgement import Judged
from mlplane.steps.judging.measuring import Measurement, Part
from mlplane.steps.reports import Findings, report_of
from mlplane.tasks import JudgeTask


def test_everything_that_is_written_is_read():
    found = GateResult.model_validate(c.result("f1", "0.7000", slice="small", min="0.5"))
    task = JudgeTask.model_validate(
        {
            "model": "tumours",
            "dataset": {"name": "tumours", "digest": c.b.DATA_DIGEST},
            "splits": c.b.SPLITS,
            "plan": {"split": "test", "label": "y", "slices": [c.SMALL], "gates": [found.gate.to_body()]},
            "baseline": {
                "version": {"name": "tumours-bbbbbbbb", "digest": c.OLD},
                "model": "tumours",
            },
        }
    )
    whole = Part(99, {"f1": Measurement(0.7, (0.6, 0.8), 0.5, (0.4, 0.6), (0.1, 0.3))})
    judged = Judged(whole, {"small": Part(9, {"f1": Measurement(None)})})
    findings = Findings(judged, (found,), c.POINTS | c.RESIDUALS, c.LOSS, classes=2, evaluator=c.TREE)
    report = Report.of(report_of(task, c.NEW, findings), "r")
    assert (report.model.digest, report.dataset, report.rows) == (c.NEW, task.dataset, 99)
    assert report.metrics["f1"] == Metric(
        value=0.7, interval=(0.6, 0.8), baseline=0.5, baseline_interval=(0.4, 0.6), change_interval=(0.1, 0.3)
    )
    assert [(part.name, part.rows, part.metrics) for part in report.slices] == [
        ("small", 9, {"f1": Metric()})
    ]
    assert (report.gates, report.plan, report.verdict) == ((found,), task.plan, "Passed")
    assert (report.baseline.version, report.evaluator.tree) == (task.baseline.version, c.TREE)
    assert [name for name, points in report.plots if not points] == []
    assert report.training[0].values == (0.9, 0.4, 0.2)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"verdict": "Fine"}, "verdict"),
        ({"rows": None}, "rows"),
        ({"plots": {"roc": [{}]}}, "plots.roc.0.class"),
    ],
)
def test_a_damaged_report_is_refused_with_the_place(change, where):
    with pytest.raises(Terminal, match=f"^report store://r is damaged: {where}: "):
        Report.of(c.approved_report() | change, "store://r")
