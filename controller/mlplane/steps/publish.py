"""The step ``publish``: everything that the run claims is verified once more, and told in one document."""

from typing import Any

from mlplane import tasks
from mlplane.api.evaluation import Recorded
from mlplane.errors import SystemFault, Terminal
from mlplane.steps.reports import REPORTS, read_report, recorded_in
from mlplane.steps.train import KIND, read_signature
from mlplane.steps.workspace import Workspace, result_path, trained_model
from mlplane.store.archive import inspect
from mlplane.store.uris import uri_of
from mlplane.tasks import RunResult, RunTask
from mlplane.training.export import PROGRAM

LIMIT = 32 << 10
"""Bytes of an output parameter."""


def publish(workspace: Workspace, key: str, model: str, report: str) -> None:
    """Verify model and report; answers with a ``RunResult``.

    Args:
        workspace: The surroundings.
        key: Run key, as preflight worked it out.
        model: Digest of the model, as it was judged.
        report: Digest of the report.

    Raises:
        Terminal: something is missing, damaged, or not about this run.
        Transient: the store fails.
    """
    task = workspace.read_task(RunTask)
    trained = trained_model(workspace.store, key)
    if trained is None:
        raise SystemFault(f"{result_path(key)} is not in the store, or its model is not; start the run again")
    if trained.artifact.digest != model:
        raise SystemFault(
            f"the run made {trained.artifact.digest}, but {model} was judged; start the run again"
        )
    folder = workspace.directory("model")
    workspace.store.get(uri_of(KIND, task.spec.model, model), folder)
    inspect(folder / PROGRAM)
    if read_signature(folder) != trained.signature:
        raise SystemFault(f"the signature of {trained.artifact.uri} is not the one in {result_path(key)}")
    result = RunResult(trained=trained, recorded=_recorded(workspace, task, model, report))
    answer = result.model_dump_json(by_alias=True, exclude_none=True)
    if len(answer.encode()) > LIMIT:
        raise Terminal(f"the result has {len(answer.encode())} bytes; at most {LIMIT} fit, use fewer inputs")
    workspace.answer(tasks.RESULT_OUTPUT, answer)


def _recorded(workspace: Workspace, task: RunTask, model: str, digest: str) -> Recorded:
    """The outcome in a report, which must be about this model, dataset, baseline and plan."""
    uri = uri_of(REPORTS, task.spec.model, digest)
    report = read_report(workspace.store, uri, workspace.directory("report"))
    plan = task.spec.evaluation
    about: dict[str, Any] = {
        "model": {"name": task.spec.model, "digest": model},
        "dataset": task.dataset.to_body(),
        "plan": plan.to_body(),
        "baseline": task.baseline.to_body() if task.baseline else None,
    }
    for field, wanted in about.items():
        if report.get(field) != wanted:
            raise SystemFault(f"report {uri} is about another {field} than this run; start the run again")
    recorded = recorded_in(report, uri)
    if tuple(result.gate for result in recorded.results) != plan.gates:
        raise SystemFault(f"report {uri} is about other gates than this run; start the run again")
    return recorded
