"""The step ``evaluate``: a stored model is judged on the evaluation split, without the code that made it.

A failed gate is a verdict, not a failure of the step.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplane import tasks
from mlplane.steps.gates import accuracy, decimal_string, judge
from mlplane.steps.scoring import check_inputs, count_answers
from mlplane.steps.train import KIND, read_signature
from mlplane.steps.versions import get_version, split_file
from mlplane.steps.workspace import Workspace
from mlplane.store.loading import load_program
from mlplane.store.uris import digest_in, uri_of
from mlplane.tasks import RunTask
from mlplane.training.export import PROGRAM
from mlplane.training.tables import read_batches

if TYPE_CHECKING:
    import torch

REPORTS = "reports"
REPORT = "report.json"
BATCH = 4096
"""Rows that are in memory at a time."""


def evaluate(workspace: Workspace, model: str) -> None:
    """Judge a model; answers with ``report``.

    Args:
        workspace: The surroundings.
        model: Digest of the stored model.

    Raises:
        InvalidInput: the model does not take what the dataset has, or the labels are not classes.
        Terminal: model or dataset are damaged, or the model cannot be loaded or run.
        Transient: the store fails.
    """
    task = workspace.run_task()
    plan = task.spec.evaluation
    data, folder = workspace.directory("dataset"), workspace.directory("model")
    version = get_version(workspace.store, task.dataset, task.splits, {plan.split}, data)
    workspace.store.get(uri_of(KIND, task.spec.model, model), folder)
    signature = read_signature(folder)
    check_inputs(signature, version.columns, plan.label)
    batches = read_batches(data / split_file(plan.split), version.columns, BATCH)
    confusion = count_answers(_runnable(folder / PROGRAM), signature, batches, plan.label)
    report = _report(task, model, confusion)
    workspace.answer(tasks.REPORT_OUTPUT, _store_report(workspace, task.spec.model, report))


def _runnable(path: Path) -> "torch.nn.Module":
    import torch

    torch.use_deterministic_algorithms(mode=True)
    return load_program(path).module()


def _report(task: RunTask, model: str, confusion: list[list[int]]) -> dict[str, Any]:
    """The report: the same bytes for the same judgement."""
    metrics = {"accuracy": accuracy(confusion)}
    results = judge(task.spec.evaluation.gates, metrics)
    return {
        "version": 1,
        "model": {"name": task.spec.model, "digest": model},
        "dataset": task.dataset.to_body(),
        "split": task.spec.evaluation.split,
        "label": task.spec.evaluation.label,
        "rows": sum(map(sum, confusion)),
        "metrics": {name: decimal_string(value) for name, value in metrics.items()},
        "gates": [result.to_body() for result in results],
        "verdict": "Passed" if all(r.verdict == "Passed" for r in results) else "Failed",
        "confusion": confusion,
    }


def _store_report(workspace: Workspace, name: str, report: Mapping[str, Any]) -> str:
    folder = workspace.directory("report")
    (folder / REPORT).write_text(json.dumps(report, sort_keys=True) + "\n", encoding="ascii")
    return digest_in(workspace.store.put(folder, REPORTS, name))
