"""TrainingRun: one Workflow for each attempt; its answer becomes a ModelVersion and an Evaluation."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters import argo
from mlplane.adapters.children import is_owned_by
from mlplane.api import Body, TrainingRun
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import Condition
from mlplane.api.refs import Query, Ref
from mlplane.api.trainingrun import Resolved, ResolvedDataset, TrainingRunStatus
from mlplane.reconcilers import records
from mlplane.reconcilers.baselines import baseline_missing, baseline_model, baseline_refs
from mlplane.reconcilers.datasets import dataset_missing, dataset_not_ready, split_missing, version_of
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.state import (
    UNWATCHED,
    Ready,
    Stalled,
    State,
    Waiting,
    conditions,
    first_blocked,
    name_taken,
)
from mlplane.reconcilers.verdicts import verdict_sentence
from mlplane.tasks import RunResult, RunTask

KIND = TrainingRun


def refs(run: TrainingRun, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The dataset, and the Workflows of this attempt and the next."""
    attempt = run.status.attempt or 1
    workflows = (_workflow(run, attempt), _workflow(run, attempt + 1))
    return (_dataset(run), *workflows, *baseline_refs(run.spec.evaluation.baseline, _namespace(run)))


def dataset_unusable(run: TrainingRun, observed: Observed) -> Waiting | None:
    """The Dataset does not exist, has no version of its present spec, or lacks the split to evaluate on."""
    name, dataset = run.spec.dataset.name, observed.get(_dataset(run))
    return (
        dataset_missing(name, dataset)
        or dataset_not_ready(name, dataset)
        or split_missing(name, dataset, run.spec.evaluation.split)
    )


def no_baseline(run: TrainingRun, observed: Observed) -> Waiting | Stalled | None:
    """What the model is to be compared with does not exist (yet)."""
    return baseline_missing(run.spec.evaluation.baseline, _namespace(run), observed)


GATES = (dataset_unusable, no_baseline)


def plan(run: TrainingRun, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Start what may start, follow what runs, publish what has finished; a finished run stays finished."""
    if (finished := _finished(run)) is not None:
        return Plan(_status(run, finished, now, *_lasting(run)))
    attempt, workflow = _newest_attempt(run, observed)
    if workflow is not None and not is_owned_by(workflow, run):
        return Plan(_status(run, name_taken(workflow, names.RUNNING), now), requeue_after=UNWATCHED)
    if workflow is not None:
        return _follow(run, attempt, workflow, now)
    if blocked := first_blocked(GATES, run, observed):
        return Plan(_status(run, blocked, now))
    return _start(run, attempt, _task(run, observed, settings), now, settings)


def _newest_attempt(run: TrainingRun, observed: Observed) -> tuple[int, Body | None]:
    """The newest attempt and its Workflow; where that one was deleted, the number of the next."""
    attempt = run.status.attempt or 1
    workflow, following = (observed.get(_workflow(run, n)) for n in (attempt, attempt + 1))
    if following is not None and (workflow is None or is_owned_by(following, run)):
        return attempt + 1, following
    if workflow is not None:
        return attempt, workflow
    return (attempt + 1 if run.status.workflow else attempt), None


def _task(run: TrainingRun, observed: Observed, settings: Settings) -> RunTask:
    version = version_of(observed.get(_dataset(run)))
    if version.digest is None:  # the gates let only a Dataset with a version through
        message = f'Dataset "{run.spec.dataset.name}" is ready without a digest'
        raise ValueError(message)
    return RunTask(
        spec=run.spec,
        dataset=PinnedRef(name=run.spec.dataset.name, digest=version.digest),
        splits=version.splits,
        image=settings.image,
        baseline=baseline_model(run.spec.evaluation.baseline, _namespace(run), observed),
    )


def _start(run: TrainingRun, attempt: int, task: RunTask, now: datetime, settings: Settings) -> Plan:
    """The status says at once what it will say when the Workflow has been seen: one write less."""
    made = argo.workflow_for_run(run, task, attempt, settings)
    return replace(_follow(run, attempt, made, now), create=(made,))


def _follow(run: TrainingRun, attempt: int, workflow: Body, now: datetime) -> Plan:
    name = workflow["metadata"]["name"]
    outcome = argo.outcome_of(workflow)
    task = argo.task_of(workflow)
    known = {
        "resolved": _resolved(task),
        "attempt": attempt,
        "workflow": name,
        "progress": outcome.progress or None,
        "run_key": _digest(outcome.outputs.get(f"{tasks.PREFLIGHT}.{tasks.KEY_OUTPUT}")),
    }
    if outcome.state == "Failed":
        why = outcome.message or "the Workflow does not say why it failed"
        message = f'{why}; see the logs of Workflow "{name}", then create a run with another name'
        return Plan(_failed(run, message, now, known))
    if outcome.state != "Succeeded":
        far = f"runs: progress {outcome.progress}" if outcome.progress else "is about to start"
        state = Waiting(names.RUNNING, outcome.message or f'Workflow "{name}" {far}')
        return Plan(_status(run, state, now, **known))
    try:
        result = RunResult.model_validate_json(
            outcome.outputs.get(f"{tasks.PUBLISH}.{tasks.RESULT_OUTPUT}", "")
        )
    except ValidationError as error:
        message = (
            f'Workflow "{name}" gave no usable result ({error.error_count()} faults in it): '
            "run the controller and the image of the steps in the same version"
        )
        return Plan(_failed(run, message, now, known))
    return _publish(run, task, result, now, known)


def _publish(
    run: TrainingRun, task: RunTask, result: RunResult, now: datetime, known: dict[str, Any]
) -> Plan:
    version = records.model_version_for(run, task, result)
    evaluation = records.evaluation_for(run, task, result, version)
    verdict = result.recorded.verdict
    message = (
        f'ModelVersion "{version.name}" is published; '
        f"{verdict_sentence(result.recorded, task.dataset.name, run.spec.evaluation.split)}"
    )
    status = _status(
        run,
        Ready(names.COMPLETED, message),
        now,
        (names.COMPLETE, True, names.SUCCEEDED, message),
        **known
        | {
            "model_version": version.name,
            "verdict": verdict,
            "run_key": result.trained.key,
            "evidence": records.evidence_of(evaluation.spec),
        },
    )
    return Plan(status, create=(records.body_of(version, run), records.body_of(evaluation, run)))


def _failed(run: TrainingRun, message: str, now: datetime, known: dict[str, Any]) -> TrainingRunStatus:
    failed = (names.FAILED, True, names.RUN_FAILED, message)
    return _status(run, Stalled(names.RUN_FAILED, message), now, failed, **known)


def _status(
    run: TrainingRun, state: State, now: datetime, *more: tuple[str, bool, str, str], **known: Any
) -> TrainingRunStatus:
    """The status with what is newly known; what was known before stays."""
    return run.status.model_copy(
        update={
            "observed_generation": run.metadata.generation,
            "conditions": conditions(run, state, now, *more),
        }
        | {name: value for name, value in known.items() if value is not None}
    )


def _finished(run: TrainingRun) -> Ready | Stalled | None:
    """The state of a run that has ended, from the condition that lasts; None while it has not."""
    for condition in _conditions(run, names.COMPLETE):
        return Ready(names.COMPLETED, condition.message)
    for condition in _conditions(run, names.FAILED):
        return Stalled(names.RUN_FAILED, condition.message)
    return None


def _lasting(run: TrainingRun) -> list[tuple[str, bool, str, str]]:
    lasting = [*_conditions(run, names.COMPLETE), *_conditions(run, names.FAILED)]
    return [(c.type, True, c.reason, c.message) for c in lasting]


def _conditions(run: TrainingRun, type_: str) -> list[Condition]:
    return [c for c in run.status.conditions if c.type == type_ and c.status == "True"]


def _resolved(task: RunTask) -> Resolved:
    return Resolved(
        dataset=ResolvedDataset(digest=task.dataset.digest, splits=task.splits),
        baseline=task.baseline.version if task.baseline else None,
    )


def _digest(value: str | None) -> str | None:
    """The value if it is a digest; a status with anything else would be refused."""
    return value if value and re.fullmatch(r"sha256:[0-9a-f]{64}", value) else None


def _dataset(run: TrainingRun) -> Ref:
    return Ref(names.API_VERSION, "Dataset", _namespace(run), run.spec.dataset.name)


def _workflow(run: TrainingRun, attempt: int) -> Ref:
    name = argo.run_workflow_name(run, attempt)
    return Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, _namespace(run), name)


def _namespace(run: TrainingRun) -> str:
    return run.metadata.namespace or "default"
