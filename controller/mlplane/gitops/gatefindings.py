"""What the gates of an evaluation name that is not there: a metric, or a slice.

Called by ``gitops.validate``, so that it is told before a commit; on the plane, preflight says the same.
"""

from collections.abc import Iterator

from mlplane.api.judgement import Gate, Judgement
from mlplane.gitops.findings import Finding, at, closest
from mlplane.gitops.manifest import Document, FieldPath
from mlplane.steps.judging.metrics import names_of
from mlplane.steps.judging.plans import task_kind

_PLACES = {"TrainingRun": ("spec", "evaluation"), "Evaluation": ("spec", "run")}


def gate_findings(document: Document) -> Iterator[Finding]:
    """One for each name that a gate has wrong; an evaluator may give metrics of any name."""
    place: FieldPath = _PLACES.get(document.body["kind"], ())
    plan = document.body["spec"].get(place[-1]) if place else None
    if plan is None:
        return
    judgement = Judgement.model_validate({k: v for k, v in plan.items() if k not in ("split", "code")})
    slices = tuple(part.name for part in judgement.slices)
    metrics = None if judgement.evaluator else names_of(task_kind(judgement))
    for index, gate in enumerate(judgement.gates):
        yield from _of_gate(document, (*place, "gates", index), gate, metrics, slices)


def _of_gate(
    document: Document,
    path: FieldPath,
    gate: Gate,
    metrics: tuple[str, ...] | None,
    slices: tuple[str, ...],
) -> Iterator[Finding]:
    if metrics is not None and gate.metric not in metrics:
        message = f'"{gate.metric}" is no metric of the task, and there is no evaluator that could give it'
        meant = closest(gate.metric, metrics)
        yield at(document, (*path, "metric"), message, allowed=metrics, suggestion=meant)
    if gate.slice and gate.slice not in slices:
        message = f'"{gate.slice}" is no slice of this evaluation'
        yield at(document, (*path, "slice"), message, allowed=slices, suggestion=closest(gate.slice, slices))
