"""Dataset: one Workflow for each spec ingests it; its answer becomes the version in the status."""

from datetime import datetime

from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters import argo
from mlplane.adapters.children import is_owned_by
from mlplane.api import Body, Dataset
from mlplane.api.conditions import is_current
from mlplane.api.dataset import DatasetStatus
from mlplane.api.reading import named
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.state import UNWATCHED, Ready, Stalled, State, Waiting, conditions, name_taken
from mlplane.tasks import IngestResult

KIND = Dataset


def refs(dataset: Dataset, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The Workflow that ingests the present spec."""
    return (_workflow(dataset),)


def plan(dataset: Dataset, observed: Observed, now: datetime, settings: Settings) -> Plan:
    """Ingest what is not ingested yet. A version that is there stays, whatever becomes of its Workflow."""
    if is_current(dataset.to_body()):
        return Plan(dataset.status)
    workflow = observed.get(_workflow(dataset))
    if workflow is None:
        made = argo.workflow_for_dataset(dataset, settings)
        return Plan(_after(made, dataset, now), create=(made,))
    if not is_owned_by(workflow, dataset):
        state = name_taken(workflow, names.INGESTING)
        return Plan(_status(dataset, state, now), requeue_after=UNWATCHED)
    return Plan(_after(workflow, dataset, now))


def _after(workflow: Body, dataset: Dataset, now: datetime) -> DatasetStatus:
    outcome = argo.outcome_of(workflow)
    if outcome.state == "Failed":
        why = outcome.message or "the Workflow does not say why it failed"
        message = f"{why}; correct the spec, or delete Workflow {named(workflow)} to try again"
        return _status(dataset, Stalled(names.INGEST_FAILED, message), now)
    if outcome.state != "Succeeded":
        message = outcome.message or f"Workflow {named(workflow)} reads the source"
        return _status(dataset, Waiting(names.INGESTING, message), now)
    try:
        result = IngestResult.model_validate_json(
            outcome.outputs.get(f"{tasks.INGEST}.{tasks.DATASET_OUTPUT}", "")
        )
    except ValidationError as error:
        message = (
            f"Workflow {named(workflow)} gave no usable answer ({error.error_count()} faults in it): "
            "run the controller and the image of the steps in the same version"
        )
        return _status(dataset, Stalled(names.INGEST_FAILED, message), now)
    ready = Ready(
        names.INGESTED, f"{result.rows} rows in {len(result.splits)} splits are stored at {result.uri}"
    )
    return _status(dataset, ready, now, result)


def _status(
    dataset: Dataset, state: State, now: datetime, result: IngestResult | None = None
) -> DatasetStatus:
    version = result or dataset.status
    return DatasetStatus(
        observed_generation=dataset.metadata.generation,
        conditions=conditions(dataset, state, now),
        digest=version.digest,
        uri=version.uri,
        rows=version.rows,
        splits=version.splits,
    )


def _workflow(dataset: Dataset) -> Ref:
    return Ref(
        names.WORKFLOW_API_VERSION,
        names.WORKFLOW_KIND,
        dataset.metadata.namespace or "default",
        argo.dataset_workflow_name(dataset),
    )
