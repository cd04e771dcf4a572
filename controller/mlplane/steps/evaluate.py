"""The step ``evaluate``: a stored model is judged by a split, without the code that made it.

A failed gate is a verdict, not a failure of the step.
"""

from collections.abc import Sequence
from pathlib import Path

from mlplane import tasks
from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import Judgement
from mlplane.data.layout import split_file
from mlplane.errors import BadData, InvalidInput
from mlplane.steps.evaluator import Records, own_metrics
from mlplane.steps.gitrepo import fetch
from mlplane.steps.judging.answers import Answers, Classified, Estimated
from mlplane.steps.judging.curves import curves_of
from mlplane.steps.judging.judgement import Given, judged, results_of
from mlplane.steps.judging.plans import check_judgement, check_leakage, split_to_judge, task_kind
from mlplane.steps.predicting import Predictions, Predictor, check_inputs, predict
from mlplane.steps.reports import REPORTS, Findings, recorded_in, report_of, write_report
from mlplane.steps.train import KIND, read_signature
from mlplane.steps.trainingmetrics import training_curves
from mlplane.steps.versions import DatasetVersion, get_version
from mlplane.steps.workspace import Workspace
from mlplane.store.loading import load_program
from mlplane.store.uris import digest_in, uri_of
from mlplane.tasks import JudgeTask
from mlplane.training.export import PROGRAM
from mlplane.training.tables import read_batches

BATCH = 256
"""Rows that a model is asked about at a time. What it holds for each may be megabytes: 9 for two convolutions
with 64 channels over 224 x 224 pixels. More rows make large models no faster."""


def evaluate(workspace: Workspace, model: str, key: str) -> None:
    """Judge a model; answers with ``report`` and ``recorded``.

    Args:
        workspace: The surroundings.
        model: Digest of the stored model.
        key: Key of the run that made it, whose curves the report shows; empty if there is none.

    Raises:
        InvalidInput: plan, model and dataset do not fit, or the model was trained on the split.
        Terminal: model or dataset are damaged, or a model or the evaluator fails.
        Transient: git or the store fails.
    """
    task = workspace.read_task(JudgeTask)
    plan = task.plan
    check_leakage(task)
    data = workspace.directory("dataset")
    version = _version(workspace, task, data)
    records = Records(data / split_file(plan.split), version.columns)
    predictors = _predictors(workspace, task, model, version)
    batches = read_batches(records.file, _needed(predictors, plan, version), BATCH)
    predictions = predict(predictors, batches, plan, version.columns)
    tree, given = _own(workspace, task, records, predictions)
    answers = _answers(plan, predictions)
    found = judged(answers, predictions.slices, given, (model, task.dataset.digest, plan.split))
    findings = Findings(
        found,
        results_of(plan, found, compared=task.baseline is not None),
        curves_of(answers[0]),
        training_curves(workspace.store, key) if key else [],
        answers[0].classes if isinstance(answers[0], Classified) else None,
        tree,
    )
    _store(workspace, task, model, findings)


def _version(workspace: Workspace, task: JudgeTask, data: Path) -> DatasetVersion:
    """The dataset version with the split to judge by."""
    split = split_to_judge(task)
    version = get_version(workspace.store, task.dataset, task.splits, {split.name}, data)
    check_judgement(task.plan, version.columns, task.dataset.name)
    if version.split(split.name).rows == 0:
        raise BadData(f"split {split.name!r} of dataset {task.dataset.name} has no rows to judge by")
    return version


def _predictors(
    workspace: Workspace, task: JudgeTask, model: str, version: DatasetVersion
) -> list[Predictor]:
    """The model, and the baseline where there is one."""
    wanted = [("model", task.model, model)]
    if task.baseline:
        wanted.append(("baseline", task.baseline.model, task.baseline.version.digest))
    return [_predictor(workspace, task.plan, version, *one) for one in wanted]


def _predictor(
    workspace: Workspace, plan: Judgement, version: DatasetVersion, who: str, name: str, digest: str
) -> Predictor:
    import torch

    folder = workspace.directory(who)
    workspace.store.get(uri_of(KIND, name, digest), folder)
    signature = read_signature(folder)
    check_inputs(who, signature, version.columns, plan.label)
    torch.use_deterministic_algorithms(mode=True)
    return Predictor(who, load_program(folder / PROGRAM).module(), signature)


def _needed(predictors: Sequence[Predictor], plan: Judgement, version: DatasetVersion) -> list[DataColumn]:
    """The columns that models, label and slices are about; the others are not read."""
    inputs = {tensor.name for predictor in predictors for tensor in predictor.signature.inputs}
    named = {plan.label, *inputs, *(part.column for part in plan.slices)}
    return [column for column in version.columns if column.name in named]


def _own(
    workspace: Workspace, task: JudgeTask, records: Records, predictions: Predictions
) -> tuple[str | None, tuple[Given, ...]]:
    """The tree of the evaluator's code, and what it gave for each model; nothing where there is none."""
    evaluator = task.plan.evaluator
    if evaluator is None:
        return None, ()
    if task.code is None:
        raise InvalidInput(f"evaluator {evaluator} is a file of the code, but no code is named")
    repository = fetch(task.code.git, workspace.directory("repository"))
    code = workspace.directory("code")
    repository.extract(code)
    if not (code / evaluator).is_file():
        raise InvalidInput(f"evaluator {evaluator} is not in {task.code.git.path} at {task.code.git.commit}")
    given = own_metrics(code, evaluator, records, predictions, workspace.directory("scratch"))
    return repository.tree_id(), given


def _answers(plan: Judgement, predictions: Predictions) -> list[Answers]:
    if task_kind(plan) == "Regression":
        return [Estimated(predictions.labels, output) for output in predictions.outputs]
    return [Classified.of(predictions.labels, output) for output in predictions.outputs]


def _store(workspace: Workspace, task: JudgeTask, model: str, findings: Findings) -> None:
    """Store the report, and tell where it is and what it says."""
    folder = workspace.directory("report")
    report = report_of(task, model, findings)
    write_report(report, folder)
    uri = workspace.store.put(folder, REPORTS, task.model)
    recorded = recorded_in(report, uri)
    workspace.answer(tasks.RECORDED_OUTPUT, recorded.model_dump_json(by_alias=True, exclude_none=True))
    workspace.answer(tasks.REPORT_OUTPUT, digest_in(uri))
