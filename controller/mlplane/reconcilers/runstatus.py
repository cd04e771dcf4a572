"""The status of a TrainingRun: what was known stays, what has ended stays ended. Pure.

Called by the modules that decide about runs: ``trainingrun``, ``runoutcome``, ``suspension``.
"""

from datetime import datetime
from typing import Any

from mlplane import names
from mlplane.api import TrainingRun
from mlplane.api.meta import Condition
from mlplane.api.trainingrun import TrainingRunStatus
from mlplane.reconcilers.state import Ready, Stalled, State, conditions


def status_of(
    run: TrainingRun, state: State, now: datetime, *more: tuple[str, bool, str, str], **known: Any
) -> TrainingRunStatus:
    """The status with what is newly known; what was known before stays, but for what is of the moment.

    Args:
        run: The run as it was read.
        state: What this pass found out.
        now: The time.
        more: Conditions beside those of ``state``, as (type, holds, reason, message).
        **known: Fields of the status; None where nothing new is known.
    """
    return run.status.model_copy(
        update={
            "observed_generation": run.metadata.generation,
            "conditions": conditions(run, state, now, *more),
            "estimated_completion": None,
            # It goes when what stalled the run has passed; of a run that has ended it stays.
            "failure_class": run.status.failure_class if finished(run) else None,
        }
        | {name: value for name, value in known.items() if value is not None}
    )


def finished(run: TrainingRun) -> Ready | Stalled | None:
    """The state of a run that has ended, from the condition that lasts; None while it has not."""
    for condition in true_conditions(run, names.COMPLETE):
        return Ready(names.COMPLETED, condition.message)
    for condition in true_conditions(run, names.FAILED):
        return Stalled(names.RUN_FAILED, condition.message)
    return None


def lasting(run: TrainingRun) -> list[tuple[str, bool, str, str]]:
    """The conditions that say how a run has ended."""
    found = [*true_conditions(run, names.COMPLETE), *true_conditions(run, names.FAILED)]
    return [(c.type, True, c.reason, c.message) for c in found]


def true_conditions(run: TrainingRun, type_: str) -> list[Condition]:
    """The condition of that type, if it is True."""
    return [c for c in run.status.conditions if c.type == type_ and c.status == "True"]


def namespace_of(run: TrainingRun) -> str:
    """Where the run is, and everything that it refers to."""
    return run.metadata.namespace or "default"
