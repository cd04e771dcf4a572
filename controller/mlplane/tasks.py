"""What the controller tells a step to do, and what a step answers: the contract between adapters and steps.

A task travels as JSON in one environment variable (``names.TASK_ENV``); an answer as an output parameter.
Bytes never travel this way: they go through the store, named by digest.
"""

from typing import Literal

from mlplane.api.dataset import DatasetSpec, Split
from mlplane.api.evaluation import PinnedRef, Recorded
from mlplane.api.meta import ApiModel, CommitId, Digest, StoreUri
from mlplane.api.modelversion import Artifact, Signature
from mlplane.api.trainingrun import TrainingRunSpec


class IngestTask(ApiModel):
    """Read a dataset's source and store a version of it."""

    name: str
    spec: DatasetSpec


class IngestResult(ApiModel):
    """The version that was stored; output parameter ``dataset`` of the step ``ingest``."""

    digest: Digest
    uri: StoreUri
    rows: int
    splits: tuple[Split, ...]


class RunTask(ApiModel):
    """Train, evaluate and publish a model; the same for every step of a run.

    The run's own name is not part of it: two runs with the same key are the same work.
    """

    spec: TrainingRunSpec
    dataset: PinnedRef
    splits: tuple[Split, ...]
    image: str


class TrainedModel(ApiModel):
    """What training made; ``runs/<key>/result.json`` in the store, so that no run is trained twice."""

    version: Literal[1] = 1
    key: Digest
    tree: CommitId
    """Git tree id of the code."""
    artifact: Artifact
    signature: Signature


class RunResult(ApiModel):
    """What became of a run; output parameter ``result`` of the step ``publish`` (at most 32 KiB)."""

    trained: TrainedModel
    recorded: Recorded


# Steps and their output parameters: what ``adapters.argo`` renders and ``steps`` implements.
INGEST = "ingest"
PREFLIGHT = "preflight"
TRAIN = "train"
EVALUATE = "evaluate"
PUBLISH = "publish"

DATASET_OUTPUT = "dataset"
"""ingest: an ``IngestResult`` as JSON."""
KEY_OUTPUT = "key"
"""preflight: the run key."""
CACHED_OUTPUT = "cached"
"""preflight: ``true`` if the store holds a trained model for the key already, else ``false``."""
MODEL_OUTPUT = "model"
"""train: digest of the stored model. preflight: the same if cached, else empty."""
REPORT_OUTPUT = "report"
"""evaluate: digest of the stored report."""
RESULT_OUTPUT = "result"
"""publish: a ``RunResult`` as JSON."""
