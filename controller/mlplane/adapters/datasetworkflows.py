"""The Workflows of a Dataset: the one that ingests its spec, and those that read its source again. Pure.

Called by ``reconcilers.dataset`` and ``gitops.render``.
"""

import re
from datetime import UTC, datetime
from typing import Any

from mlplane import tasks
from mlplane.adapters.argo import workflow_of
from mlplane.adapters.children import short_hash
from mlplane.adapters.sourceaccess import with_access
from mlplane.adapters.stepcalls import call, output_of
from mlplane.adapters.steptemplates import step_template
from mlplane.api import Body, Dataset
from mlplane.api.dataset import ResolvedInput
from mlplane.settings import Settings
from mlplane.tasks import IngestTask, TransformTask

_DUE = "%Y%m%d%H%M"
REFRESH_TTL_S = 6 * 3600
"""How long the Workflow of a due time stays after its end; its answer is in the status long before.

So is that it was made at all: it is not made again when it has gone.
"""


def ingest_workflow_name(dataset: Dataset, inputs: tuple[ResolvedInput, ...] = ()) -> str:
    """The Workflow that ingests this spec.

    Another spec or other versions of its parents have another name. So has a spec that comes back: what was
    found when it was there before may not be what the source has now.
    """
    generation = max(dataset.metadata.generation, 1)
    asked = [dataset.spec.to_body(), generation, [parent.to_body() for parent in inputs]]
    return f"dataset-{dataset.name}-{short_hash(asked)}"


def refresh_workflow_name(dataset: Dataset, due: datetime) -> str:
    """The Workflow that reads the source again at a due time, which stands in the name."""
    return f"dataset-{dataset.name}-{due.astimezone(UTC):{_DUE}}"


def due_of(workflow_name: str) -> datetime | None:
    """The due time in the name of a Workflow; None if it is not one that refreshes."""
    ending = workflow_name.rpartition("-")[2]
    return datetime.strptime(ending, _DUE).replace(tzinfo=UTC) if re.fullmatch(r"\d{12}", ending) else None


def workflow_for_dataset(
    dataset: Dataset, settings: Settings, inputs: tuple[ResolvedInput, ...] = ()
) -> Body:
    """The Workflow that reads, checks, splits and stores a dataset; one that is derived is made first.

    Args:
        dataset: Whose Workflow it is.
        settings: The operator's configuration.
        inputs: The versions that it is derived from, in the order of its spec.
    """
    name = ingest_workflow_name(dataset, inputs)
    if dataset.spec.derived_from is None:
        made = workflow_of(dataset, name, [[call(tasks.INGEST)]], [_ingest_template(dataset, settings)])
        return with_access(made, dataset.spec.source, settings)
    task = TransformTask(name=dataset.name, derived_from=dataset.spec.derived_from, inputs=inputs)
    raw = output_of(tasks.TRANSFORM, tasks.RAW_OUTPUT)
    return workflow_of(
        dataset,
        name,
        [[call(tasks.TRANSFORM)], [call(tasks.INGEST, {tasks.RAW_OUTPUT: raw})]],
        [
            step_template(tasks.TRANSFORM, task, settings, outputs=(tasks.RAW_OUTPUT,)),
            _ingest_template(dataset, settings, inputs=(tasks.RAW_OUTPUT,)),
        ],
    )


def workflow_for_refresh(dataset: Dataset, due: datetime, settings: Settings) -> Body:
    """The Workflow that reads the source again at a due time; it goes by itself after its end."""
    name = refresh_workflow_name(dataset, due)
    made = workflow_of(dataset, name, [[call(tasks.INGEST)]], [_ingest_template(dataset, settings)])
    made["spec"]["ttlStrategy"] = {"secondsAfterCompletion": REFRESH_TTL_S}
    return with_access(made, dataset.spec.source, settings)


def _ingest_template(dataset: Dataset, settings: Settings, inputs: tuple[str, ...] = ()) -> Any:
    task = IngestTask(name=dataset.name, spec=dataset.spec)
    return step_template(tasks.INGEST, task, settings, inputs=inputs, outputs=(tasks.DATASET_OUTPUT,))
