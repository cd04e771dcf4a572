"""What the Workflow of a TrainingRun has come to: it runs, it failed, or it leaves its records. Pure.

Called by ``trainingrun`` for a Workflow that is the run's own and was not told to stop.
"""

import re
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters.failures import failure_of
from mlplane.adapters.workflowoutcome import Outcome, outcome_of, pool_of, task_of
from mlplane.adapters.workflowprogress import estimated_end, has_moved, restarts_of
from mlplane.adapters.workflowusage import total, usage_of
from mlplane.api import Body, TrainingRun
from mlplane.api.trainingrun import FailureClass, Resolved, ResolvedDataset, TrainingRunStatus, Usage
from mlplane.capacity import Profile
from mlplane.reconcilers import records
from mlplane.reconcilers.capacity import not_started
from mlplane.reconcilers.plan import Plan
from mlplane.reconcilers.runstatus import status_of
from mlplane.reconcilers.state import Ready, Stalled, Waiting
from mlplane.reconcilers.trials import message_of, trained_task, trials_in
from mlplane.reconcilers.verdicts import verdict_sentence
from mlplane.tasks import RunResult, RunTask


def follow(run: TrainingRun, attempt: int, workflow: Body, now: datetime, profile: Profile) -> Plan:
    """The status that a Workflow leads to, and the records once it has succeeded."""
    name, outcome = workflow["metadata"]["name"], outcome_of(workflow)
    known, task = facts_of(run, attempt, workflow), task_of(workflow)
    told = message_of(workflow, outcome, task)
    if outcome.state == "Failed":
        failure = failure_of(workflow)
        message = f'{told[:_LIMIT]}; {failure.advice}; see the logs of Workflow "{name}"'
        return Plan(_failed(run, message, now, known | {"failure_class": failure.failure_class}, workflow))
    if outcome.state != "Succeeded":
        late = not_started(workflow, now, profile)
        far = f"runs: progress {outcome.progress}" if outcome.progress else "is about to start"
        state = late.state or Waiting(names.RUNNING, told or f'Workflow "{name}" {far}')
        known |= {"estimated_completion": _estimate(run, workflow, outcome, now)}
        known |= {"failure_class": late.failure_class}
        return Plan(status_of(run, state, now, **known), requeue_after=late.again)
    try:
        result = RunResult.model_validate_json(
            outcome.outputs.get(f"{tasks.PUBLISH}.{tasks.RESULT_OUTPUT}", "")
        )
    except ValidationError as error:
        why = f"{error.error_count()} faults in it"
        return Plan(_failed(run, _unusable(name, why), now, known | _SYSTEM, workflow))
    task, best = trained_task(task, known["trials"], result.trained.key)
    if task.spec.sweep is not None:
        return Plan(_failed(run, _unusable(name, "it is of no trial"), now, known | _SYSTEM, workflow))
    return _publish(run, task, result, now, known | {"best_trial": best, "usage": _usage(run, workflow)})


_SYSTEM: dict[str, FailureClass] = {"failure_class": "System"}
_LIMIT = 1500
"""Characters of what others say; a message may have 2048."""


def _unusable(name: str, why: str) -> str:
    return (
        f'Workflow "{name}" gave no usable result ({why}): '
        "run the controller and the image of the steps in the same version"
    )


def facts_of(run: TrainingRun, attempt: int, workflow: Body) -> dict[str, Any]:
    """Fields of the status that a Workflow tells, whatever it came to."""
    outcome, restarts = outcome_of(workflow), restarts_of(workflow)
    return {
        "resolved": _resolved(task_of(workflow), pool_of(workflow)),
        "attempt": attempt,
        "workflow": workflow["metadata"]["name"],
        "progress": outcome.progress or None,
        # Not said where there were none, and back to none in the next attempt.
        "restarts": restarts if restarts or run.status.restarts else None,
        "trials": trials_in(workflow, outcome, task_of(workflow)),
        "run_key": _digest(outcome.outputs.get(f"{tasks.PREFLIGHT}.{tasks.KEY_OUTPUT}")),
    }


def _estimate(run: TrainingRun, workflow: Body, outcome: Outcome, now: datetime) -> str | None:
    """When training ends; the estimate from before where this one is hardly another and there is no news.

    Of a sweep nothing is said: how far the trials are that train now does not tell when the last one ends.
    """
    if run.spec.sweep is not None:
        return None
    old, new = run.status.estimated_completion, estimated_end(workflow, now)
    is_news = outcome.progress != run.status.progress or has_moved(old, new)
    return new if is_news else old


def _publish(
    run: TrainingRun, task: RunTask, result: RunResult, now: datetime, known: dict[str, Any]
) -> Plan:
    version = records.model_version_for(run, task, result)
    evaluation = records.evaluation_for(run, task, result, version)
    best = known["best_trial"]
    chosen = f", made by trial {best} of {len(known['trials'])}" if best else ""
    message = (
        f'ModelVersion "{version.name}" is published{chosen}; '
        f"{verdict_sentence(result.recorded, task.dataset.name, run.spec.evaluation.split)}"
    )
    status = status_of(
        run,
        Ready(names.COMPLETED, message),
        now,
        (names.COMPLETE, True, names.SUCCEEDED, message),
        **known
        | {
            "model_version": version.name,
            "verdict": result.recorded.verdict,
            "run_key": result.trained.key,
            "evidence": records.evidence_of(evaluation.spec),
        },
    )
    return Plan(status, create=(records.body_of(version, run), records.body_of(evaluation, run)))


def _failed(
    run: TrainingRun, message: str, now: datetime, known: dict[str, Any], workflow: Body
) -> TrainingRunStatus:
    failed = (names.FAILED, True, names.RUN_FAILED, message)
    known = known | {"usage": _usage(run, workflow)}
    return status_of(run, Stalled(names.RUN_FAILED, message), now, failed, **known)


def _usage(run: TrainingRun, workflow: Body) -> Usage:
    """That of all attempts."""
    return total(run.status.usage, usage_of(workflow))


def _resolved(task: RunTask, pool: str | None) -> Resolved:
    return Resolved(
        dataset=ResolvedDataset(digest=task.dataset.digest, splits=task.splits),
        baseline=task.baseline.version if task.baseline else None,
        pool=pool,
    )


def _digest(value: str | None) -> str | None:
    """The value if it is a digest; a status with anything else would be refused."""
    return value if value and re.fullmatch(r"sha256:[0-9a-f]{64}", value) else None
