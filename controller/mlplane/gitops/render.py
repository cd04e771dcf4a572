"""What the controller would make of manifests, as far as that can be known without a cluster. Pure.

For people who want to see the Workflows and InferenceServices before they commit. Called by ``cli.render``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlplane import names
from mlplane.adapters.argo import workflow_for_run
from mlplane.adapters.datasetworkflows import workflow_for_dataset
from mlplane.adapters.kserve import inference_service_for
from mlplane.api import Body, Dataset, ModelServer, ModelVersion, TrainingRun
from mlplane.api.dataset import ResolvedInput
from mlplane.api.judgement import PinnedRef
from mlplane.settings import Settings
from mlplane.tasks import RunTask

UNKNOWN_DIGEST = "sha256:" + "0" * 64
"""Stands for the digest of a dataset version that was not made yet."""
NOT_READ = "zeros stand for the digest of a dataset that is not read yet"


@dataclass(frozen=True)
class Rendered:
    """What becomes of one object."""

    source: str
    """Kind and name of the object."""
    note: str = ""
    """What is not as it will be, or why nothing can be shown."""
    body: Body | None = None


def render(bodies: Sequence[Body], settings: Settings) -> Iterator[Rendered]:
    """The first thing that each object becomes; records (ModelVersion, Evaluation) become nothing.

    Args:
        bodies: Valid objects of mlplane; those that refer to each other belong together.
        settings: The store and the image to render for.
    """
    for body in bodies:
        source = f"{body['kind']} {body['metadata']['name']}"
        match body["kind"]:
            case "Dataset":
                yield _of_dataset(source, Dataset.model_validate(body), bodies, settings)
            case "TrainingRun":
                yield _of_run(source, TrainingRun.model_validate(body), bodies, settings)
            case "ModelServer":
                yield _of_server(source, ModelServer.model_validate(body), bodies, settings)


def _of_dataset(source: str, dataset: Dataset, bodies: Sequence[Body], settings: Settings) -> Rendered:
    """Its first Workflow; the versions of its parents are known if they were read from a cluster."""
    derived = dataset.spec.derived_from
    inputs = tuple(
        ResolvedInput(name=ref.name, digest=ref.digest or _digest_of(_find(bodies, "Dataset", ref.name)))
        for ref in (derived.datasets if derived else ())
    )
    is_unknown = any(parent.digest == UNKNOWN_DIGEST for parent in inputs)
    return Rendered(source, NOT_READ if is_unknown else "", workflow_for_dataset(dataset, settings, inputs))


def _digest_of(dataset: Body | None) -> str:
    """The digest of a Dataset's version, or zeros."""
    status = Dataset.model_validate(dataset).status if dataset else None
    return status.digest if status and status.digest else UNKNOWN_DIGEST


def _of_run(source: str, run: TrainingRun, bodies: Sequence[Body], settings: Settings) -> Rendered:
    """The first attempt; the dataset version is known if the Dataset was read from a cluster."""
    found = _find(bodies, "Dataset", run.spec.dataset.name)
    status = Dataset.model_validate(found).status if found else None
    digest = _digest_of(found)
    task = RunTask(
        spec=run.spec,
        dataset=PinnedRef(name=run.spec.dataset.name, digest=digest),
        splits=status.splits if status else (),
        image=run.spec.image or settings.image,
    )
    note = "" if digest != UNKNOWN_DIGEST else NOT_READ
    return Rendered(source, note, workflow_for_run(run, task, 1, settings))


def _of_server(source: str, server: ModelServer, bodies: Sequence[Body], settings: Settings) -> Rendered:
    if server.spec.model_version is not None:
        name = server.spec.model_version.name
        found = _find(bodies, "ModelVersion", name)
        wanted = f"ModelVersion {name}"
    else:
        model = server.spec.follow.model if server.spec.follow else ""
        versions = [b for b in bodies if b["kind"] == "ModelVersion" and b["spec"]["model"] == model]
        found = versions[-1] if versions else None
        wanted = f"a ModelVersion of model {model}"
    if found is None:
        note = f"waits for {wanted}, which is not among these files: nothing to show"
        return Rendered(source, note)
    version = ModelVersion.model_validate(found)
    note = f"shown for {version.name}; the controller serves it once it is {names.APPROVED}"
    return Rendered(source, note, inference_service_for(server, version, settings))


def _find(bodies: Sequence[Body], kind: str, name: str) -> Body | None:
    return next((b for b in bodies if b["kind"] == kind and b["metadata"]["name"] == name), None)
