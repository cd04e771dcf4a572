"""Model versions as cards and comparisons meet them, and reports as ``steps.reports`` writes them."""

from typing import Any

import builders as b
from mlplane.api import Evaluation, ModelVersion
from mlplane.cards.report import Report
from mlplane.cards.subject import Judged, Subject

Body = dict[str, Any]
OLD, NEW = "sha256:" + "b" * 64, b.MODEL_DIGEST
TREE = "7" * 40
SMALL = {"name": "small", "column": "mean_radius", "below": "13"}
LARGE = {"name": "large", "column": "mean_radius", "min": "13"}
POINTS = {
    "confusion": [[38, 2], [1, 73]],
    "roc": [{"class": 1, "falsePositiveRate": [0, 0.1, 1], "truePositiveRate": [0, 0.9, 1]}],
    "precisionRecall": [{"class": 1, "recall": [1, 0.9, 0], "precision": [0.6, 0.95, 1]}],
    "calibration": [
        {"rows": 14, "confidence": 0.7, "accuracy": 0.6},
        {"rows": 100, "confidence": 1, "accuracy": 1},
    ],
}
RESIDUALS = {"residuals": {"edges": [-1, 0, 1], "rows": [40, 60]}}
LOSS = [{"metric": "loss", "steps": [1, 2, 3], "values": [0.9, 0.4, 0.2]}]


def metric(value: float | None, low: float = 0, high: float = 0, **more: Any) -> Body:
    """A metric of a report; without ends, one without an interval."""
    return {"value": value} | ({"interval": [low, high]} if low or high else {}) | more


def compared(value: float, before: float, ends: tuple[float, float]) -> Body:
    """A metric with its baseline's value and the interval of the difference."""
    spread = {"baselineInterval": [before - 0.04, before + 0.04], "changeInterval": list(ends)}
    return metric(value, value - 0.05, value + 0.02, baseline=before, **spread)


def result(metric: str, value: str | None, verdict: str = "Passed", **fields: Any) -> Body:
    """A gate and what came of it; fields of a gate go to the gate."""
    of_result = {name: fields.pop(name) for name in ("rows", "baseline", "reason") if name in fields}
    found = {"gate": {"metric": metric} | fields, "verdict": verdict, "rows": 114} | of_result
    return found | ({"value": value, "interval": {"low": "0.8700", "high": "0.9900"}} if value else {})


def report(results: list[Body], metrics: Body, digest: str = NEW, **changes: Any) -> Body:
    """A report; the plan has the gates of the results, and ``plan`` changes it."""
    plan = {"split": "test", "label": "diagnosis", "gates": [each["gate"] for each in results]}
    verdicts = [each["verdict"] for each in results if each["gate"].get("severity") != "Warning"]
    return {
        "version": 2,
        "model": {"name": "tumours", "digest": digest},
        "dataset": {"name": "tumours", "digest": b.DATA_DIGEST},
        "split": {"name": "test", "digest": b.SPLITS[1]["digest"]},
        "task": "Classification",
        "minSamples": 30,
        "rows": 114,
        "metrics": metrics,
        "slices": [],
        "gates": results,
        "verdict": next((v for v in ("Failed", "Inconclusive") if v in verdicts), "Passed"),
        "plots": {},
        "training": [],
    } | changes | {"plan": plan | changes.get("plan", {})}  # fmt: skip


def judged(document: Body, problem: str = "", name: str = "tumours-eeeeeeee-1", **status: Any) -> Judged:
    """The evaluation that a report belongs to; with a problem, without its report."""
    spec = {
        "modelVersion": {"name": "tumours-eeeeeeee", "digest": document["model"]["digest"]},
        "dataset": document["dataset"],
        "split": document["split"]["name"],
        "recorded": {
            "verdict": document["verdict"],
            "rows": document["rows"],
            "results": document["gates"],
            "report": f"store://reports/tumours/sha256-{'9' * 64}",
        },
    }
    made = b.body("Evaluation", name, spec, spec["recorded"] | status)
    return Judged(Evaluation.model_validate(made), None if problem else Report.of(document, "r"), problem)


def subject(*found: Judged, name: str = "tumours-eeeeeeee", message: str = "", **changes: Any) -> Subject:
    """A version judged so; ``changes`` are of its lineage."""
    verdicts = {each.verdict for each in found}
    body = b.model_version(name, digest=changes.pop("digest", NEW), approved=verdicts == {"Passed"})
    body["spec"] |= {"model": "tumours"}
    body["spec"]["artifact"]["uri"] = body["spec"]["artifact"]["uri"].replace("digits", "tumours")
    body["spec"]["lineage"] |= changes
    body["status"]["conditions"][1]["message"] = message or f"judged: {', '.join(sorted(verdicts))}"
    return Subject(ModelVersion.model_validate(body), found)


def imported(*found: Judged, source: str, **fields: Any) -> Subject:
    """A version that no run made."""
    body = b.model_version("tumours-eeeeeeee", approved=False)
    del body["spec"]["lineage"]
    body["spec"] |= {"imported": {"source": source} | fields}
    body["status"]["conditions"][1]["message"] = "no Evaluation speaks of it: create one to have it judged"
    return Subject(ModelVersion.model_validate(body), found)


def approved_report(**changes: Any) -> Body:
    """A modest first model that meets all its gates but a warning."""
    results = [
        result("accuracy", "0.9035", min="0.85"),
        result("missed", "0.1190", max="0.20"),
        result("log_loss", "0.2443", "Failed", max="0.20", severity="Warning"),
    ]
    metrics = {
        "accuracy": metric(0.903509, 0.842105, 0.947368),
        "roc_auc": metric(None),
        "log_loss": metric(0.244317, 0.183333, 0.327391),
        "missed": metric(0.119048),
    }
    slices = [
        {"name": "small", "rows": 62, "metrics": {"accuracy": metric(0.919355, 0.83871, 0.983871)}},
        {"name": "large", "rows": 52, "metrics": {"accuracy": metric(0.884615, 0.788462, 0.961538)}},
    ]
    more = {"slices": slices, "plots": POINTS, "training": LOSS, "evaluator": {"tree": TREE}}
    return report(results, metrics, **more | {"plan": {"slices": [SMALL, LARGE]}} | changes)


def rejected_report(**changes: Any) -> Body:
    """One that is better over all, and worse on a slice than its baseline."""
    results = [
        result("accuracy", "0.9561", min="0.85", minChange="0", baseline="0.9035"),
        result("accuracy", "0.8709", "Failed", slice="small", minChange="-0.02", rows=62, baseline="0.9193"),
    ]
    metrics = {
        "accuracy": compared(0.95614, 0.903509, (0.01, 0.09)),
        "log_loss": compared(0.11, 0.244317, (-0.2, 0.02)),
        "missed": metric(0.02381, baseline=0.119048),
    }
    slices = [
        {"name": "small", "rows": 62, "metrics": {"accuracy": compared(0.870968, 0.919355, (-0.1, -0.01))}},
        {"name": "large", "rows": 52, "metrics": {"accuracy": compared(0.980769, 0.884615, (0.02, 0.17))}},
    ]
    more = {
        "slices": slices,
        "plots": POINTS,
        "evaluator": {"tree": TREE},
        "baseline": {"version": {"name": "tumours-bbbbbbbb", "digest": OLD}, "model": "tumours"},
        "plan": {"slices": [SMALL, LARGE]},
    }
    return report(results, metrics, **more | changes)
