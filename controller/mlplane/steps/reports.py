"""The report of a judgement: ``reports/<model>/sha256-…/report.json``, the same bytes for the same judgement.

Written by ``steps.evaluate``; read by ``steps.publish``, ``steps.verify``, and whoever draws a model card.
docs/reference/evaluations.md says what stands in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlplane.api.evaluation import Recorded
from mlplane.api.judgement import MIN_SAMPLES, GateResult
from mlplane.errors import InvalidInput, SystemFault
from mlplane.steps.judging.curves import rounded
from mlplane.steps.judging.gates import overall
from mlplane.steps.judging.judgement import Judged
from mlplane.steps.judging.measuring import Ends, Measurement, Part
from mlplane.steps.judging.plans import split_to_judge, task_kind
from mlplane.store.artifacts import Store
from mlplane.tasks import JudgeTask

VERSION = 2
REPORTS = "reports"
REPORT = "report.json"
RECORDED_LIMIT = 24 << 10
"""Bytes of an outcome; what ``publish`` adds to it fits into the rest of an output parameter."""


@dataclass(frozen=True)
class Findings:
    """What was measured and decided."""

    judged: Judged
    results: tuple[GateResult, ...]
    plots: Mapping[str, Any]
    training: Sequence[Mapping[str, Any]]
    """Curves of the metrics that the training printed."""
    classes: int | None = None
    """Number of classes that the model tells apart."""
    evaluator: str | None = None
    """Git tree id of the evaluator's code."""


def report_of(task: JudgeTask, model: str, findings: Findings) -> dict[str, Any]:
    """The report.

    Args:
        task: What was to be judged.
        model: Digest of the model.
        findings: What came of it.

    Raises:
        InvalidInput: the gates are too many to be recorded.
    """
    plan, split, found = task.plan, split_to_judge(task), findings.judged
    report: dict[str, Any] = {
        "version": VERSION,
        "model": {"name": task.model, "digest": model},
        "dataset": task.dataset.to_body(),
        "split": {"name": split.name, "digest": split.digest},
        "plan": plan.to_body(),
        "task": task_kind(plan),
        "minSamples": plan.min_samples or MIN_SAMPLES,
        "rows": found.whole.rows,
        "metrics": _metrics(found.whole),
        "slices": [{"name": name, **_part(part)} for name, part in found.slices.items()],
        "gates": [result.to_body() for result in _fitting(findings.results)],
        "verdict": overall(findings.results),
        "plots": dict(findings.plots),
        "training": list(findings.training),
    }
    optional = {
        "baseline": task.baseline.to_body() if task.baseline else None,
        "classes": findings.classes,
        "evaluator": {"tree": findings.evaluator} if findings.evaluator else None,
    }
    return report | {name: value for name, value in optional.items() if value is not None}


def write_report(report: Mapping[str, Any], folder: Path) -> None:
    """Write a report to a folder."""
    text = json.dumps(report, sort_keys=True, allow_nan=False)
    (folder / REPORT).write_text(text + "\n", encoding="ascii")


def read_report(store: Store, uri: str, folder: Path) -> dict[str, Any]:
    """Fetch a report, verified by its digest.

    Raises:
        Terminal: there is none, it is damaged, or another version of mlplane wrote it.
        Transient: the store fails.
    """
    store.get(uri, folder)
    try:
        report = json.loads((folder / REPORT).read_bytes())
    except (OSError, ValueError) as error:
        raise SystemFault(f"report {uri} is damaged: {error}") from error
    if not isinstance(report, dict) or report.get("version") != VERSION:
        raise SystemFault(f"report {uri} is not of version {VERSION}; judge the model again")
    return report


def recorded_in(report: Mapping[str, Any], uri: str) -> Recorded:
    """The outcome that a report speaks of.

    Raises:
        Terminal: the report is not one.
    """
    try:
        return Recorded(verdict=report["verdict"], rows=report["rows"], results=report["gates"], report=uri)
    except (KeyError, ValidationError) as error:
        raise SystemFault(f"report {uri} is damaged: {error}") from error


def _fitting(results: Sequence[GateResult]) -> Sequence[GateResult]:
    """The results as they fit into an output parameter: without their intervals if need be."""
    if _size(results) > RECORDED_LIMIT:
        results = [result.model_copy(update={"interval": None}) for result in results]
    if _size(results) > RECORDED_LIMIT:
        raise InvalidInput(
            f"the results of {len(results)} gates have {_size(results)} bytes; at most {RECORDED_LIMIT} are "
            "recorded: use fewer gates, or shorter names"
        )
    return results


def _size(results: Sequence[GateResult]) -> int:
    return sum(len(r.model_dump_json(by_alias=True, exclude_none=True)) + 1 for r in results)


def _part(part: Part) -> dict[str, Any]:
    return {"rows": part.rows, "metrics": _metrics(part)}


def _metrics(part: Part) -> dict[str, Any]:
    return {name: _metric(measurement) for name, measurement in part.metrics.items()}


def _metric(found: Measurement) -> dict[str, Any]:
    numbers = {
        "value": None if found.value is None else rounded(found.value),
        "interval": _ends(found.interval),
        "baseline": None if found.baseline is None else rounded(found.baseline),
        "baselineInterval": _ends(found.baseline_interval),
        "changeInterval": _ends(found.change_interval),
    }
    return {name: value for name, value in numbers.items() if value is not None}


def _ends(interval: Ends) -> list[float] | None:
    return None if interval is None else [rounded(end) for end in interval]
