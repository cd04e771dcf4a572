"""The step ``verify``: an outcome that somebody recorded is compared with the report that it names."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlplane import tasks
from mlplane.api.evaluation import Recorded
from mlplane.api.judgement import GateResult
from mlplane.errors import InvalidInput, Terminal
from mlplane.steps.reports import read_report, recorded_in
from mlplane.steps.workspace import Workspace
from mlplane.tasks import VerifyTask

Difference = tuple[str, object, object]
"""A field, what the report says, and what was recorded."""


def verify(workspace: Workspace) -> None:
    """Compare; answers with ``finding``, which is empty if report and record say the same.

    A report that is missing or damaged is a finding too: it bears out nothing.

    Raises:
        InvalidInput: the task is about no recorded outcome.
        Transient: the store fails.
    """
    task = workspace.read_task(VerifyTask)
    recorded = task.spec.recorded
    if recorded is None:
        raise InvalidInput("the Evaluation has no spec.recorded that could be verified")
    try:
        report = read_report(workspace.store, recorded.report, workspace.directory("report"))
        finding = finding_of(task, recorded, report)
    except Terminal as error:
        finding = " ".join(str(error).split())
    workspace.answer(tasks.FINDING_OUTPUT, finding)


def finding_of(task: VerifyTask, recorded: Recorded, report: Mapping[str, Any]) -> str:
    """The first difference between a report and what was recorded of it, as a sentence; empty if none.

    Raises:
        Terminal: the report is none.
    """
    for field, said, wanted in _compared(task, recorded, report):
        if said != wanted:
            return f"{field}: the report {recorded.report} says {_shown(said)}, recorded is {_shown(wanted)}"
    return ""


def _compared(task: VerifyTask, recorded: Recorded, report: Mapping[str, Any]) -> Iterator[Difference]:
    found = recorded_in(report, recorded.report)
    spec = task.spec
    model, dataset, split = (report.get(name) or {} for name in ("model", "dataset", "split"))
    yield "model", model.get("name"), task.model
    yield "spec.modelVersion.digest", model.get("digest"), spec.model_version.digest
    yield "spec.dataset.name", dataset.get("name"), spec.dataset.name
    yield "spec.dataset.digest", dataset.get("digest"), spec.dataset.digest
    yield "spec.split", split.get("name"), spec.split
    yield "spec.recorded.verdict", found.verdict, recorded.verdict
    yield "spec.recorded.rows", found.rows, recorded.rows
    yield "number of spec.recorded.results", len(found.results), len(recorded.results)
    for index, (one, other) in enumerate(zip(found.results, recorded.results, strict=True)):
        yield from _results(f"spec.recorded.results[{index}]", one, other)


def _results(where: str, found: GateResult, recorded: GateResult) -> Iterator[Difference]:
    said, wanted = found.to_body(), recorded.to_body()
    for field in sorted(said.keys() | wanted.keys()):
        yield f"{where}.{field}", said.get(field), wanted.get(field)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return "nothing" if value is None else str(value)
