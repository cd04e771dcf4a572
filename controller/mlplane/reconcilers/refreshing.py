"""Reading the source of a Dataset again when its schedule is due. Pure: the present is an argument.

Each due time is followed once. ``status.workflow`` names the Workflow of the one that is being followed, and
is written when that is made; ``status.refreshed`` is how far they have been followed, and is written when
its answer was read. Several that were missed are followed by one Workflow, that of the latest. Called by
``reconcilers.dataset``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlplane import names
from mlplane.adapters.children import is_owned_by
from mlplane.adapters.datasetworkflows import due_of, refresh_workflow_name, workflow_for_refresh
from mlplane.adapters.workflowoutcome import outcome_of
from mlplane.api import Body, Dataset
from mlplane.api.conditions import timestamp
from mlplane.api.dataset import DatasetStatus
from mlplane.data.duetimes import latest_due, next_due
from mlplane.reconcilers.datasetsentences import broken
from mlplane.reconcilers.datasetstates import (
    Drift,
    after_reading,
    answer_of,
    kept_drift,
    kept_state,
    new_version,
    status_of,
)
from mlplane.reconcilers.plan import Plan, Settings
from mlplane.reconcilers.state import Stalled
from mlplane.tasks import IngestResult


def awaited(dataset: Dataset) -> datetime | None:
    """The due time that is being followed; None if none is."""
    due = due_of(dataset.status.workflow or "") if dataset.spec.refresh else None
    until = dataset.status.refreshed
    return due if due and (until is None or due > datetime.fromisoformat(until)) else None


def has_followed(dataset: Dataset) -> bool:
    """Whether the source was last read at a due time, and what was found there is in the status."""
    is_last = due_of(dataset.status.workflow or "") is not None
    return dataset.spec.refresh is not None and is_last and awaited(dataset) is None


def look_again(dataset: Dataset, now: datetime) -> timedelta | None:
    """When the source is due to be read again."""
    return next_due(dataset.spec.refresh.schedule, now) - now if dataset.spec.refresh else None


def begun(dataset: Dataset, status: DatasetStatus, now: datetime, settings: Settings) -> Plan:
    """The plan with this status; with the Workflow of the latest due time, if there is one to follow."""
    if dataset.spec.refresh is None:
        return Plan(status.model_copy(update={"refreshed": None}))
    again = look_again(dataset, now)
    if status.refreshed is None:
        # The schedule was added to a version that is there: its due times begin now.
        return Plan(status.model_copy(update={"refreshed": timestamp(now)}), requeue_after=again)
    due = latest_due(dataset.spec.refresh.schedule, datetime.fromisoformat(status.refreshed), now)
    if due is None:
        return Plan(status, requeue_after=again)
    made = workflow_for_refresh(dataset, due, settings)
    following = status.model_copy(update={"workflow": refresh_workflow_name(dataset, due)})
    return Plan(following, create=(made,), requeue_after=again)


def follow(
    dataset: Dataset, workflow: Body | None, due: datetime, recipe: str, now: datetime, *, is_fresh: bool
) -> DatasetStatus:
    """The status after another look at the Workflow of a due time.

    Args:
        dataset: Whose source is read.
        workflow: As it is; None if it has gone.
        due: The due time that it follows.
        recipe: Of the present spec.
        now: The present.
        is_fresh: Whether the version in the status is one of the present spec.
    """
    known = {"refreshed": timestamp(due)}
    if workflow is None or not is_owned_by(workflow, dataset):
        why = "its Workflow was gone before its answer was read"
        return _unread(dataset, due, why, now, is_fresh=is_fresh, known=known)
    outcome = outcome_of(workflow)
    if outcome.state == "Failed":
        return _unread(dataset, due, outcome.message, now, is_fresh=is_fresh, known=known)
    if outcome.state != "Succeeded":
        state = kept_state(dataset, is_fresh=is_fresh)
        return status_of(dataset, state, now, drift=kept_drift(dataset))
    result = answer_of(workflow, outcome)
    if isinstance(result, str):
        return _unread(dataset, due, result, now, is_fresh=is_fresh, known=known)
    if not is_fresh:
        return after_reading(dataset, result, recipe, (), now, **known)
    return _compared(dataset, result, recipe, now, known)


def _compared(
    dataset: Dataset, result: IngestResult, recipe: str, now: datetime, known: dict[str, Any]
) -> DatasetStatus:
    """What is at the source now, beside the version that is there."""
    known |= {"checks": result.checks, "found": None}
    is_same = result.digest == dataset.status.digest
    state = kept_state(
        dataset.model_copy(update={"status": dataset.status.model_copy(update=known)}), is_fresh=True
    )
    if result.uri is None and is_same:
        # A rule that speaks of the time, such as freshness: this version does not keep it any more.
        stale = Stalled(names.CHECKS_FAILED, f"{broken(result)}; the bytes are the same as before")
        return status_of(dataset, stale, now, **known | {"recipe": None})
    if result.uri is None:
        drift = _drifted(dataset, result.digest, names.CHECKS_FAILED, f"{broken(result)}; correct the data")
        return status_of(dataset, state, now, drift=drift, **known)
    if is_same:
        return status_of(dataset, state, now, **known)
    if dataset.spec.digest is None:
        return new_version(dataset, result, recipe, (), now, refreshed=known["refreshed"])
    step = "run `mlplane lock --digests` to take them, or bring the old ones back"
    drift = _drifted(dataset, result.digest, names.BYTES_CHANGED, step)
    return status_of(dataset, state, now, drift=drift, **known | {"found": result.digest})


def _drifted(dataset: Dataset, found: str, reason: str, more: str) -> Drift:
    message = (
        f"the source has other bytes now, digest {found}; the version stays {dataset.status.digest}: {more}"
    )
    return (names.DRIFTED, True, reason, message)


def _unread(
    dataset: Dataset, due: datetime, why: str, now: datetime, *, is_fresh: bool, known: dict[str, Any]
) -> DatasetStatus:
    message = f"the source could not be read at {due.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {why}"
    drift = (names.DRIFTED, None, names.INGEST_FAILED, message)
    return status_of(dataset, kept_state(dataset, is_fresh=is_fresh), now, drift=drift, **known)
