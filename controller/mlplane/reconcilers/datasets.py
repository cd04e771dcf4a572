"""Whether a Dataset that something refers to can be used, and the version in its status. Pure.

Called by the reconcilers of TrainingRun and Evaluation.
"""

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body
from mlplane.api.conditions import is_current, of
from mlplane.api.dataset import DatasetStatus
from mlplane.api.reading import at, mapping, named, text
from mlplane.reconcilers.state import Waiting


def dataset_missing(name: str, dataset: Body | None) -> Waiting | None:
    """The Dataset does not exist (yet): files apply in any order."""
    if dataset is not None:
        return None
    return Waiting(names.DATASET_MISSING, f'waits for Dataset "{name}": apply it in the same namespace')


def dataset_not_ready(name: str, dataset: Body | None) -> Waiting | None:
    """The Dataset has no version of its present spec, or none that can be read."""
    dataset = dataset or {}
    if is_current(dataset) and version_of(dataset).digest:
        return None
    if is_current(dataset):
        message = f"Dataset {named(dataset)} is ready, but its version cannot be read: see its conditions"
        return Waiting(names.DATASET_NOT_READY, message)
    ready = of(dataset, names.READY) or {}
    speaks = ready.get("observedGeneration") == at(dataset, "metadata", "generation")
    why = text(ready.get("message")) if speaks else ""
    why = why or "its present spec has not been looked at yet"
    return Waiting(names.DATASET_NOT_READY, f'waits for Dataset "{name}": {why}')


def split_missing(name: str, dataset: Body | None, split: str) -> Waiting | None:
    """The Dataset has no split of the name that the evaluation wants."""
    splits = [s.name for s in version_of(dataset).splits]
    if split in splits:
        return None
    message = (
        f'Dataset "{name}" has no split "{split}" but {", ".join(splits)}: '
        "add it to the Dataset, or evaluate on one of these"
    )
    return Waiting(names.DATASET_NOT_READY, message)


def version_of(dataset: Body | None) -> DatasetStatus:
    """The version in a Dataset's status; an empty one if it cannot be read."""
    try:
        return DatasetStatus.model_validate({**mapping(at(dataset, "status")), "conditions": []})
    except ValidationError:
        return DatasetStatus()
