"""The records that a finished run leaves: a ModelVersion and an Evaluation.

They belong to nobody (labels only, no owner reference): pruning a run never deletes the record of a
model that is served.
"""

import hashlib
import json

from mlplane import names
from mlplane.adapters.children import labels_for, short_digest, short_hash
from mlplane.api import Body, Evaluation, ModelVersion, TrainingRun
from mlplane.api.dataset import DatasetRef
from mlplane.api.evaluation import EvaluationSpec
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import ObjectMeta, Resource
from mlplane.api.modelversion import CodeLineage, ImageCodeLineage, Lineage, ModelVersionSpec, RunRef
from mlplane.api.reading import at, named, text
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.reconcilers.state import Waiting
from mlplane.tasks import RunResult, RunTask


def model_version_for(run: TrainingRun, task: RunTask, result: RunResult) -> ModelVersion:
    """The version that a run made; runs of one key make the same one."""
    spec, trained = run.spec, result.trained
    lineage = Lineage(
        run=RunRef(name=run.name, key=trained.key),
        dataset=task.dataset,
        splits=task.training_splits,
        code=_code_of(spec, trained.tree),
        image_code=_image_code_of(spec),
        image=task.image,
        params={name: str(value) for name, value in task.spec.params.items()},
        seed=spec.seed,
    )
    return ModelVersion(
        metadata=ObjectMeta(name=f"{spec.model}-{short_digest(trained.key)}"),
        spec=ModelVersionSpec(
            model=spec.model, artifact=trained.artifact, signature=trained.signature, lineage=lineage
        ),
    )


def _code_of(spec: TrainingRunSpec, tree: str | None) -> CodeLineage | None:
    git = spec.code.git
    if git is None or tree is None:
        return None
    return CodeLineage(url=git.url, path=git.path, commit=git.commit, tree=tree, entrypoint=spec.entrypoint)


def _image_code_of(spec: TrainingRunSpec) -> ImageCodeLineage | None:
    image = spec.code.image
    return ImageCodeLineage(path=image.path, entrypoint=spec.entrypoint) if image else None


def evaluation_for(run: TrainingRun, task: RunTask, result: RunResult, version: ModelVersion) -> Evaluation:
    """The judgement that came with the run; named by what was judged by which gates."""
    split = run.spec.evaluation.split
    baseline = task.baseline.version.digest if task.baseline else ""
    plan = run.spec.evaluation.model_copy(update={"baseline": None}).to_body()
    question = [task.dataset.digest, baseline, plan]
    return Evaluation(
        metadata=ObjectMeta(name=f"{version.name}-{short_hash(question)}"),
        spec=EvaluationSpec(
            model_version=PinnedRef(name=version.name, digest=version.spec.artifact.digest),
            dataset=DatasetRef(name=task.dataset.name, digest=task.dataset.digest),
            split=split,
            recorded=result.recorded,
        ),
    )


def evidence_of(spec: EvaluationSpec) -> str:
    """The digest ``sha256:<hex>`` of a record: what a run's status says of the Evaluation that it left.

    Of all of it, not of the outcome alone: else an outcome would vouch for itself on any other dataset.
    """
    canonical = json.dumps(spec.to_body(), sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def body_of(record: Resource, run: TrainingRun) -> Body:
    """The record as it is created, beside the run."""
    body = record.to_body()
    body.pop("status", None)
    body["metadata"] = {
        "name": record.name,
        "namespace": run.metadata.namespace or "default",
        "labels": labels_for(run) | {names.MODEL_LABEL: run.spec.model},
    }
    return body


def digest_of(version: Body | None) -> str:
    """The digest of a ModelVersion's bytes; empty if it cannot be read."""
    return text(at(version, "spec", "artifact", "digest"))


def unreadable(version: Body) -> Waiting:
    """A ModelVersion that is there but not as it should be counts as absent."""
    message = f"ModelVersion {named(version)} cannot be read: its own conditions say what to correct"
    return Waiting(names.MODEL_VERSION_MISSING, message)
