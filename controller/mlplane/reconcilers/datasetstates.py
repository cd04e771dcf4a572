"""What a Dataset's status becomes when its source was read, or when nothing new is known. Pure.

A version that is there stays until a better one is: it is replaced whole, never in part. Called by
``reconcilers.dataset`` and ``reconcilers.refreshing``.
"""

from datetime import datetime
from typing import Any

from pydantic import ValidationError

from mlplane import names, tasks
from mlplane.adapters.workflowoutcome import Outcome
from mlplane.api import Body, Dataset
from mlplane.api.dataset import DatasetStatus, ResolvedInput
from mlplane.api.reading import named
from mlplane.reconcilers.datasetsentences import broken, stored
from mlplane.reconcilers.state import Ready, Stalled, State, conditions
from mlplane.tasks import IngestResult

Drift = tuple[str, bool | None, str, str]
"""The condition ``Drifted``: True, or None where it could not be found out."""


def status_of(
    dataset: Dataset, state: State, now: datetime, *, drift: Drift | None = None, **known: Any
) -> DatasetStatus:
    """The status with what is newly known; what was known before stays, but for the conditions."""
    return dataset.status.model_copy(
        update={
            "observed_generation": dataset.metadata.generation,
            "conditions": conditions(dataset, state, now, *((drift,) if drift else ())),
        }
        | known
    )


def is_settled(dataset: Dataset) -> bool:
    """Whether the conditions speak of the present spec."""
    ready = next((c for c in dataset.status.conditions if c.type == names.READY), None)
    return ready is not None and ready.observed_generation == dataset.metadata.generation


def kept_state(dataset: Dataset, *, is_fresh: bool) -> State:
    """The state in which nothing new is known: the version, or why there is none of the present spec."""
    if is_fresh:
        return Ready(names.INGESTED, stored(dataset.status))
    ready = next(c for c in dataset.status.conditions if c.type == names.READY)
    return Stalled(ready.reason, ready.message)


def kept_drift(dataset: Dataset) -> Drift | None:
    """The condition ``Drifted`` as it is; None where it is absent."""
    found = next((c for c in dataset.status.conditions if c.type == names.DRIFTED), None)
    holds = {"True": True, "False": False, "Unknown": None}
    return (found.type, holds[found.status], found.reason, found.message) if found else None


def answer_of(workflow: Body, outcome: Outcome) -> IngestResult | str:
    """What the step ``ingest`` answered, or why that cannot be used."""
    try:
        return IngestResult.model_validate_json(
            outcome.outputs.get(f"{tasks.INGEST}.{tasks.DATASET_OUTPUT}", "")
        )
    except ValidationError as error:
        return (
            f"Workflow {named(workflow)} gave no usable answer ({error.error_count()} faults in it): "
            "run the controller and the image of the steps in the same version"
        )


def after_reading(
    dataset: Dataset,
    result: IngestResult,
    recipe: str,
    inputs: tuple[ResolvedInput, ...],
    now: datetime,
    **known: Any,
) -> DatasetStatus:
    """The status once the source was read for the present spec: a new version, or why there is none."""
    if result.uri is None:
        state = Stalled(names.CHECKS_FAILED, f"{broken(result)}; {_next_step(dataset)}")
        return status_of(dataset, state, now, checks=result.checks, **known)
    expected = dataset.spec.digest
    if expected and result.digest != expected:
        state = Stalled(names.DIGEST_MISMATCH, _mismatch(dataset, result.digest, expected))
        return status_of(dataset, state, now, checks=result.checks, found=result.digest, **known)
    return new_version(dataset, result, recipe, inputs, now, **known)


def new_version(
    dataset: Dataset,
    result: IngestResult,
    recipe: str,
    inputs: tuple[ResolvedInput, ...],
    now: datetime,
    **known: Any,
) -> DatasetStatus:
    """The status with a version in the place of the one before."""
    version: dict[str, Any] = {
        field: getattr(result, field)
        for field in ("digest", "uri", "rows", "files", "bytes", "splits", "checks")
    }
    version |= {"recipe": recipe, "inputs": inputs, "found": None}
    state = Ready(names.INGESTED, stored(dataset.status.model_copy(update=version)))
    return status_of(dataset, state, now, **version, **known)


def _next_step(dataset: Dataset) -> str:
    again = ", which is read again when it is due" if dataset.spec.refresh else ""
    what = "the transform or its parents" if dataset.spec.derived_from else "the data"
    return f"correct {what}{again}, or the spec"


def _mismatch(dataset: Dataset, found: str, expected: str) -> str:
    if dataset.spec.derived_from:
        return (
            f"the transform made the digest {found}, spec.digest is {expected}: run "
            "`mlplane lock --digests` if that is meant, else look for what makes it give other rows"
        )
    return (
        f"the source gives the digest {found}, spec.digest is {expected}: run `mlplane lock --digests` "
        "to take what is there, or bring the old bytes back"
    )
