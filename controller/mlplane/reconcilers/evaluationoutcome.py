"""What came of an evaluation, and the status that says so. Pure; called by ``reconcilers.evaluation``."""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters import workflowoutcome
from mlplane.api import Body, Evaluation
from mlplane.api.conditions import is_true
from mlplane.api.evaluation import EvaluationStatus, Recorded
from mlplane.api.judgement import Verdict
from mlplane.api.meta import Condition
from mlplane.api.reading import at, named
from mlplane.reconcilers.records import evidence_of
from mlplane.reconcilers.state import Ready, Stalled, State, Waiting, conditions
from mlplane.reconcilers.verdicts import verdict_sentence

REASONS: dict[Verdict, str] = {
    "Passed": names.GATES_PASSED,
    "Failed": names.GATE_FAILED,
    "Inconclusive": names.EVALUATION_INCONCLUSIVE,
}
LASTING = (names.EVALUATION_FAILED, names.EVIDENCE_MISMATCH)
"""Reasons of an evaluation that has ended without a verdict that counts."""


def finished(evaluation: Evaluation) -> Ready | Stalled | None:
    """The state of an evaluation that has ended, from the condition that lasts; None while it has not."""
    for condition in _lasting(evaluation):
        state = Ready if condition.type == names.COMPLETE else Stalled
        return state(condition.reason, condition.message)
    return None


def vouched_for(evaluation: Evaluation, run: Body | None) -> State | None:
    """What the run that left a record says of it; None if it says nothing, so that the record is verified."""
    recorded = evaluation.spec.recorded
    if recorded is None or run is None or at(run, "metadata", "deletionTimestamp"):
        return None
    if at(run, "status", "evidence") == evidence_of(evaluation.spec):
        return _judged(evaluation, recorded)
    if is_true(run, names.COMPLETE) or is_true(run, names.FAILED):
        return None
    return Waiting(names.EVALUATING, f"waits for TrainingRun {named(run)} to record what it found")


def outcome_of(evaluation: Evaluation, workflow: Body) -> tuple[State, Recorded | None]:
    """What a Workflow came to: the state, and the outcome once there is one."""
    outcome = workflowoutcome.outcome_of(workflow)
    if outcome.state == "Failed":
        message = f"{outcome.message}; correct the cause, then create an Evaluation with another name"
        return Stalled(names.EVALUATION_FAILED, message), None
    if outcome.state != "Succeeded":
        verb = "judges the model" if evaluation.spec.run else "compares the record with its report"
        return Waiting(names.EVALUATING, outcome.message or f"Workflow {named(workflow)} {verb}"), None
    if evaluation.spec.recorded:
        return _verified(evaluation, evaluation.spec.recorded, outcome.outputs)
    try:
        text = outcome.outputs.get(f"{tasks.EVALUATE}.{tasks.RECORDED_OUTPUT}", "")
        recorded = Recorded.model_validate_json(text)
    except ValidationError as error:
        return Stalled(names.EVALUATION_FAILED, _unusable(workflow, error)), None
    return _judged(evaluation, recorded), recorded


def status_of(
    evaluation: Evaluation, state: State, now: datetime, recorded: Recorded | None = None, **known: Any
) -> EvaluationStatus:
    """The status with what is newly known; what was known before stays."""
    if isinstance(state, Ready):
        lasting = [(names.COMPLETE, True, state.reason, state.message)]
        recorded = recorded or evaluation.spec.recorded
    elif isinstance(state, Stalled) and state.reason in LASTING:
        lasting = [(names.FAILED, True, state.reason, state.message)]
    else:
        lasting = [(c.type, True, c.reason, c.message) for c in _lasting(evaluation)]
    found = {field: getattr(recorded, field) for field in Recorded.model_fields} if recorded else {}
    return evaluation.status.model_copy(
        update={
            "observed_generation": evaluation.metadata.generation,
            "conditions": conditions(evaluation, state, now, *lasting),
        }
        | {name: value for name, value in known.items() if value is not None}
        | found
    )


def _verified(
    evaluation: Evaluation, recorded: Recorded, outputs: dict[str, str]
) -> tuple[State, Recorded | None]:
    finding = outputs.get(f"{tasks.VERIFY}.{tasks.FINDING_OUTPUT}")
    if finding == "":
        return _judged(evaluation, recorded), recorded
    why = finding or "the Workflow does not say what it found"
    message = f"the record is not what its report says: {why}; delete this Evaluation"
    return Stalled(names.EVIDENCE_MISMATCH, message), None


def _judged(evaluation: Evaluation, recorded: Recorded) -> Ready:
    sentence = verdict_sentence(recorded, evaluation.spec.dataset.name, evaluation.spec.split)
    return Ready(REASONS[recorded.verdict], sentence)


def _unusable(workflow: Body, error: ValidationError) -> str:
    return (
        f"Workflow {named(workflow)} gave no usable answer ({error.error_count()} faults in it): "
        "run the controller and the image of the steps in the same version"
    )


def _lasting(evaluation: Evaluation) -> list[Condition]:
    wanted = (names.COMPLETE, names.FAILED)
    return [c for c in evaluation.status.conditions if c.type in wanted and c.status == "True"]
