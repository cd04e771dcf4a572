"""What the controller tells a step to do, and what a step answers: the contract between adapters and steps.

A task travels as JSON in one environment variable (``names.TASK_ENV``); an answer as an output parameter.
Bytes never travel this way: they go through the store, named by digest.
"""

from typing import Literal

from mlplane.api.datacheck import CheckResult
from mlplane.api.dataset import DatasetSpec, DerivedFrom, ResolvedInput, Split
from mlplane.api.evaluation import EvaluationSpec, Recorded
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import ApiModel, CommitId, Digest, ModelName, Source, StoreUri
from mlplane.api.modelversion import Artifact, Signature
from mlplane.api.trainingrun import EvaluationPlan, TrainingRunSpec


class TransformTask(ApiModel):
    """Run the code that makes a Dataset of others; its files become the raw bytes that are ingested."""

    name: str
    derived_from: DerivedFrom
    inputs: tuple[ResolvedInput, ...]
    """The versions to read, in the order of ``derived_from.datasets``."""


class IngestTask(ApiModel):
    """Read a dataset's source and store a version of it."""

    name: str
    spec: DatasetSpec


class IngestResult(ApiModel):
    """What was read; output parameter ``dataset`` of the step ``ingest`` (at most 32 KiB)."""

    digest: Digest
    uri: StoreUri | None = None
    """Where the version is stored; None if a check failed, so that there is none."""
    rows: int
    read: int | None = None
    """Records that were read, also those that are no rows: left out by ``sample``, or with wrong fields."""
    files: int
    bytes: int
    splits: tuple[Split, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    """What the checks found; those that failed come first."""


class BaselineModel(ApiModel):
    """The model version that another one is compared with."""

    version: PinnedRef
    model: ModelName


class JudgeTask(ApiModel):
    """Judge a stored model by a split of a dataset version; what the step ``evaluate`` is told."""

    model: ModelName
    dataset: PinnedRef
    splits: tuple[Split, ...]
    plan: EvaluationPlan
    code: Source | None = None
    """Directory with the evaluator's code, where there is one."""
    baseline: BaselineModel | None = None
    trained_on: tuple[Digest, ...] = ()
    """Digests of the splits that the model was trained on, where they are known."""


class RunTask(ApiModel):
    """Train, evaluate and publish a model; the same for every step of a run.

    The run's own name is not part of it: two runs with the same key are the same work.
    """

    spec: TrainingRunSpec
    dataset: PinnedRef
    splits: tuple[Split, ...]
    image: str
    baseline: BaselineModel | None = None

    @property
    def training_splits(self) -> tuple[Split, ...]:
        """All but the one that the model is judged on."""
        return tuple(split for split in self.splits if split.name != self.spec.evaluation.split)

    @property
    def judging(self) -> JudgeTask:
        """The part of it that the step ``evaluate`` does."""
        return JudgeTask(
            model=self.spec.model,
            dataset=self.dataset,
            splits=self.splits,
            plan=self.spec.evaluation,
            code=Source(git=self.spec.code.git) if self.spec.code.git else None,
            baseline=self.baseline,
            trained_on=tuple(split.digest for split in self.training_splits),
        )


class TrialToDo(ApiModel):
    """What preflight says of a trial of a sweep; an item of the loop over the template ``trial``."""

    index: int
    cached: bool


class VerifyTask(ApiModel):
    """Compare a recorded evaluation with the report in the store; what the step ``verify`` is told."""

    model: ModelName
    spec: EvaluationSpec


class TrainedModel(ApiModel):
    """What training made; ``runs/<key>/result.json`` in the store, so that no run is trained twice."""

    version: Literal[1] = 1
    key: Digest
    tree: CommitId | None = None
    """Git tree id of the code; None where the code came with the image."""
    artifact: Artifact
    signature: Signature


class RunResult(ApiModel):
    """What became of a run; output parameter ``result`` of the step ``publish`` (at most 32 KiB)."""

    trained: TrainedModel
    recorded: Recorded


# Steps and their output parameters: what ``adapters.steptemplates`` renders and ``steps`` implements.
TRANSFORM = "transform"
INGEST = "ingest"
PREFLIGHT = "preflight"
TRAIN = "train"
SELECT = "select"
EVALUATE = "evaluate"
PUBLISH = "publish"
VERIFY = "verify"

RAW_OUTPUT = "raw"
"""transform: ``store://`` URI of the files that the user's code wrote."""
DATASET_OUTPUT = "dataset"
"""ingest: an ``IngestResult`` as JSON."""
KEY_OUTPUT = "key"
"""preflight: the run key. select: that of the best trial."""
CACHED_OUTPUT = "cached"
"""preflight: ``true`` if the store holds a trained model for the key already, else ``false``."""
MODEL_OUTPUT = "model"
"""train: digest of the stored model. preflight: the same if cached, else empty. select: that of the best."""
TRIALS_OUTPUT = "trials"
"""preflight of a sweep: a list of ``TrialToDo`` as JSON. select: a list of ``api.sweep.Trial`` without what
follows from the spec, their parameters (at most 32 KiB)."""
REPORT_OUTPUT = "report"
"""evaluate: digest of the stored report."""
RECORDED_OUTPUT = "recorded"
"""evaluate: a ``Recorded`` as JSON."""
FINDING_OUTPUT = "finding"
"""verify: empty if the report says what was recorded, else what differs, in one sentence."""
KEYS_OUTPUT = "keys"
"""preflight of a sweep: the run keys of its trials in their order, a list as JSON."""
RESULT_OUTPUT = "result"
"""publish: a ``RunResult`` as JSON."""
