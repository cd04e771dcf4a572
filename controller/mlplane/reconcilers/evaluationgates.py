"""Reasons not to carry out an evaluation, or not to rely on a record. Pure; called by ``evaluation``."""

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body, Evaluation, ModelVersion
from mlplane.api.meta import Digest
from mlplane.api.refs import Ref
from mlplane.reconcilers.baselines import baseline_missing
from mlplane.reconcilers.datasets import dataset_missing, dataset_not_ready, split_missing, version_of
from mlplane.reconcilers.plan import Observed
from mlplane.reconcilers.records import digest_of, unreadable
from mlplane.reconcilers.state import Stalled, Waiting


def model_version_missing(evaluation: Evaluation, observed: Observed) -> Waiting | None:
    """The ModelVersion does not exist (yet), or cannot be read."""
    version = observed.get(version_ref(evaluation))
    if version is None:
        name = evaluation.spec.model_version.name
        return Waiting(names.MODEL_VERSION_MISSING, f'waits for ModelVersion "{name}"')
    return None if _read(version) else unreadable(version)


def digest_mismatch(evaluation: Evaluation, observed: Observed) -> Stalled | None:
    """The ModelVersion of that name holds other bytes than the ones that are judged."""
    pinned = evaluation.spec.model_version
    found = digest_of(observed.get(version_ref(evaluation)))
    if found == pinned.digest:
        return None
    message = (
        f'ModelVersion "{pinned.name}" has digest {found}, but {pinned.digest} was to be judged: '
        "delete this Evaluation"
    )
    return Stalled(names.DIGEST_MISMATCH, message)


def dataset_unusable(evaluation: Evaluation, observed: Observed) -> Waiting | Stalled | None:
    """The Dataset does not exist, has no version yet, or not the version or the split that is wanted."""
    wanted, dataset = evaluation.spec.dataset, observed.get(dataset_ref(evaluation))
    if blocked := dataset_missing(wanted.name, dataset) or dataset_not_ready(wanted.name, dataset):
        return blocked
    found = version_of(dataset).digest
    if wanted.digest and wanted.digest != found:
        message = (
            f'Dataset "{wanted.name}" has digest {found}, not {wanted.digest}: '
            "create an Evaluation on the present version"
        )
        return Stalled(names.DIGEST_MISMATCH, message)
    return split_missing(wanted.name, dataset, evaluation.spec.split)


def leakage(evaluation: Evaluation, observed: Observed) -> Stalled | None:
    """The model was trained on the very records that it is to be judged by."""
    split = evaluation.spec.split
    splits = version_of(observed.get(dataset_ref(evaluation))).splits
    judged = {found.digest for found in splits if found.name == split}
    if not judged & {*trained_on(observed.get(version_ref(evaluation)))}:
        return None
    message = (
        f'ModelVersion "{evaluation.spec.model_version.name}" was trained on the records of split "{split}" '
        f'of Dataset "{evaluation.spec.dataset.name}": judge it by another split'
    )
    return Stalled(names.LEAKAGE, message)


def no_baseline(evaluation: Evaluation, observed: Observed) -> Waiting | Stalled | None:
    """What the model is to be compared with does not exist (yet)."""
    run = evaluation.spec.run
    return baseline_missing(run.baseline if run else None, namespace_of(evaluation), observed)


RECORD_GATES = (model_version_missing, digest_mismatch)
RUN_GATES = (model_version_missing, digest_mismatch, dataset_unusable, leakage, no_baseline)


def trained_on(version: Body | None) -> tuple[Digest, ...]:
    """Digests of the splits that a model version was trained on; none if no run made it."""
    found = _read(version)
    return tuple(split.digest for split in found.spec.lineage.splits) if found and found.spec.lineage else ()


def version_ref(evaluation: Evaluation) -> Ref:
    """The model version that is judged."""
    return Ref(
        names.API_VERSION, "ModelVersion", namespace_of(evaluation), evaluation.spec.model_version.name
    )


def dataset_ref(evaluation: Evaluation) -> Ref:
    """The dataset that it is judged on."""
    return Ref(names.API_VERSION, "Dataset", namespace_of(evaluation), evaluation.spec.dataset.name)


def namespace_of(evaluation: Evaluation) -> str:
    """Where the evaluation and all that it refers to are."""
    return evaluation.metadata.namespace or "default"


def _read(version: Body | None) -> ModelVersion | None:
    try:
        return ModelVersion.model_validate({**(version or {}), "status": {}})
    except ValidationError:
        return None
