"""Dataset: one Workflow for each spec ingests it; its answer becomes the version in the status.

A source whose bytes may change is read again when its schedule is due (``refreshing``); a Dataset that is
derived from others is made anew when they have new versions.
"""

from datetime import datetime

from mlplane import names
from mlplane.adapters.children import is_owned_by
from mlplane.adapters.datasetworkflows import ingest_workflow_name, workflow_for_dataset
from mlplane.adapters.workflowoutcome import outcome_of
from mlplane.api import Body, Dataset
from mlplane.api.conditions import timestamp
from mlplane.api.dataset import DatasetRef, DatasetStatus, ResolvedInput
from mlplane.api.reading import at, named, text
from mlplane.api.refs import Query, Ref
from mlplane.data.duetimes import fault_of
from mlplane.reconcilers import refreshing
from mlplane.reconcilers.datasets import dataset_missing, dataset_not_ready, version_of
from mlplane.reconcilers.datasetstates import (
    after_reading,
    answer_of,
    is_settled,
    kept_drift,
    kept_state,
    status_of,
)
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.recipes import recipe_of
from mlplane.reconcilers.state import (
    UNWATCHED,
    Gate,
    Stalled,
    Waiting,
    first_blocked,
    name_taken,
)

KIND = Dataset


def refs(dataset: Dataset, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The Datasets that this one is derived from, and the Workflows that read the source."""
    workflows = [dataset.status.workflow]
    if dataset.spec.derived_from is None:
        workflows.append(ingest_workflow_name(dataset))
    return (
        *(_dataset(dataset, parent) for parent in _parents(dataset)),
        *(_workflow(dataset, name) for name in dict.fromkeys(workflows) if name),
    )


def schedule_wrong(dataset: Dataset, _observed: Observed) -> Stalled | None:
    """The schedule is none that a clock can follow."""
    schedule = dataset.spec.refresh.schedule if dataset.spec.refresh else "* * * * *"
    if not (fault := fault_of(schedule)):
        return None
    message = f'spec.refresh.schedule "{schedule}" is no schedule of cron ({fault.lower()}): correct it'
    return Stalled(names.INVALID_SCHEDULE, message)


def parent_missing(dataset: Dataset, observed: Observed) -> Waiting | None:
    """A Dataset that this one is derived from does not exist (yet)."""
    found = (dataset_missing(p.name, observed.get(_dataset(dataset, p))) for p in _parents(dataset))
    return next(filter(None, found), None)


def parent_not_ready(dataset: Dataset, observed: Observed) -> Waiting | None:
    """A Dataset that this one is derived from has no version of its present spec."""
    found = (dataset_not_ready(p.name, observed.get(_dataset(dataset, p))) for p in _parents(dataset))
    return next(filter(None, found), None)


def parent_has_another_version(dataset: Dataset, observed: Observed) -> Stalled | None:
    """A Dataset that this one is derived from is at another version than the one that is pinned."""
    for parent in _parents(dataset):
        found = version_of(observed.get(_dataset(dataset, parent))).digest
        if parent.digest and found != parent.digest:
            message = (
                f'Dataset "{parent.name}" has the digest {found}, spec.derivedFrom pins {parent.digest}: '
                "run `mlplane lock --digests`, or bring that version back"
            )
            return Stalled(names.DIGEST_MISMATCH, message)
    return None


GATES: tuple[Gate, ...] = (schedule_wrong, parent_missing, parent_not_ready, parent_has_another_version)


def plan(dataset: Dataset, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Ingest what is not ingested yet, and read again what is due; a version that is there stays."""
    if blocked := first_blocked(GATES, dataset, observed):
        return Plan(status_of(dataset, blocked, now, drift=kept_drift(dataset)))
    inputs = _inputs(dataset, observed)
    recipe = recipe_of(dataset.spec, inputs)
    is_fresh = _is_fresh(dataset, recipe)
    counts = is_fresh or is_settled(dataset)
    if counts and (due := refreshing.awaited(dataset)):
        workflow = observed.get(_workflow(dataset, dataset.status.workflow or ""))
        status = refreshing.follow(dataset, workflow, due, recipe, now, is_fresh=is_fresh)
        return Plan(status, requeue_after=refreshing.look_again(dataset, now))
    if is_fresh or (counts and refreshing.has_followed(dataset)):
        state = kept_state(dataset, is_fresh=is_fresh)
        # What was found and not allowed may have been the version that is there, and allowed since.
        found = dataset.status.found if dataset.status.found != dataset.status.digest else None
        status = status_of(dataset, state, now, drift=kept_drift(dataset), found=found)
        return refreshing.begun(dataset, status, now, settings)
    return _ingest(dataset, observed, inputs, recipe, now, settings)


def _is_fresh(dataset: Dataset, recipe: str) -> bool:
    """Whether the version in the status is the one that the spec asks for."""
    version, expected = dataset.status, dataset.spec.digest
    if not version.digest or not version.uri or version.recipe != recipe:
        return False
    # Without a pin any more, what was found and not allowed is what is wanted now.
    return version.found is None if expected is None else version.digest == expected


def _ingest(
    dataset: Dataset,
    observed: Observed,
    inputs: tuple[ResolvedInput, ...],
    recipe: str,
    now: datetime,
    settings: Settings,
) -> Plan:
    """Have the present spec ingested by one Workflow; if its answer is no version, wait for a due time."""
    name = ingest_workflow_name(dataset, inputs)
    workflow = observed.objects.get(_workflow(dataset, name))
    if workflow is None:
        made = workflow_for_dataset(dataset, settings, inputs)
        return Plan(_after(made, dataset, inputs, recipe, now), create=(made,))
    if not is_owned_by(workflow, dataset):
        state = name_taken(workflow, names.INGESTING)
        return Plan(status_of(dataset, state, now), requeue_after=UNWATCHED)
    status = _after(workflow, dataset, inputs, recipe, now)
    is_waiting = any(c.type == names.RECONCILING for c in status.conditions)
    return Plan(status) if is_waiting else refreshing.begun(dataset, status, now, settings)


def _after(
    workflow: Body,
    dataset: Dataset,
    inputs: tuple[ResolvedInput, ...],
    recipe: str,
    now: datetime,
) -> DatasetStatus:
    """The status after another look at the Workflow of the present spec."""
    outcome = outcome_of(workflow)
    known = {"workflow": at(workflow, "metadata", "name")}
    if outcome.state in ("Pending", "Running"):
        return status_of(dataset, _reading(workflow, dataset, outcome.message), now, **known)
    # What was due before this Workflow began has been read by it.
    known["refreshed"] = _latest(dataset, text(at(workflow, "metadata", "creationTimestamp")), now)
    if outcome.state == "Failed":
        message = f"{outcome.message}; correct the spec, or delete Workflow {named(workflow)} to try again"
        return status_of(dataset, Stalled(names.INGEST_FAILED, message), now, **known)
    result = answer_of(workflow, outcome)
    if isinstance(result, str):
        return status_of(dataset, Stalled(names.INGEST_FAILED, result), now, **known)
    return after_reading(dataset, result, recipe, inputs, now, **known)


def _reading(workflow: Body, dataset: Dataset, message: str) -> Waiting:
    if dataset.spec.derived_from is None:
        return Waiting(names.INGESTING, message or f"Workflow {named(workflow)} reads the source")
    parents = ", ".join(parent.name for parent in _parents(dataset))
    return Waiting(names.TRANSFORMING, message or f"Workflow {named(workflow)} makes it of {parents}")


def _latest(dataset: Dataset, made_at: str, now: datetime) -> str | None:
    """How far due times have been followed once a Workflow that was made then has ended."""
    if dataset.spec.refresh is None:
        return None
    return max(dataset.status.refreshed or "", made_at or timestamp(now))


def _parents(dataset: Dataset) -> tuple[DatasetRef, ...]:
    return dataset.spec.derived_from.datasets if dataset.spec.derived_from else ()


def _inputs(dataset: Dataset, observed: Observed) -> tuple[ResolvedInput, ...]:
    """The versions of the parents, in the order of the spec; the gates let only those with one through."""
    found = ((p.name, version_of(observed.get(_dataset(dataset, p))).digest) for p in _parents(dataset))
    return tuple(ResolvedInput(name=name, digest=digest or "") for name, digest in found)


def _dataset(dataset: Dataset, parent: DatasetRef) -> Ref:
    return Ref(names.API_VERSION, "Dataset", dataset.metadata.namespace or "default", parent.name)


def _workflow(dataset: Dataset, name: str) -> Ref:
    namespace = dataset.metadata.namespace or "default"
    return Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace, name)
