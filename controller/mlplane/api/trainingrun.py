"""TrainingRun: one run of a user's code on a dataset version."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlplane.api.dataset import Split
from mlplane.api.judgement import Judgement, NameRef, PinnedRef, Verdict
from mlplane.api.meta import (
    AGE_COLUMN,
    READY_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    Digest,
    Identifier,
    ImageReference,
    ModelName,
    Params,
    Quantity,
    RelativePath,
    Resource,
    Status,
    immutable_except,
    rules,
    short_name_rule,
)
from mlplane.api.sweep import Sweep, Trial
from mlplane.api.usercode import UserCode


class EvaluationPlan(Judgement):
    """How the trained model is judged."""

    split: Annotated[Identifier, Field(description="The split of the dataset to judge on.")]


class TrainingRunSpec(ApiModel):
    """What is trained, by which code, on which data, and how it is judged."""

    model: Annotated[ModelName, Field(description="Name of the model that this run makes a version of.")]
    dataset: Annotated[NameRef, Field(description="The Dataset to train on, in the same namespace.")]
    code: Annotated[UserCode, Field(description="Directory with the user's code.")]
    image: Annotated[
        ImageReference | None,
        Field(description="Image to check and train in, with mlplane in it; default: mlplane's own."),
    ] = None
    entrypoint: Annotated[RelativePath, Field(description="Python script to run, relative to the code.")]
    params: Annotated[
        Params, Field(description="Parameters of the script: whole numbers or strings; quote a float.")
    ] = {}
    seed: Annotated[int, Field(ge=0, le=2147483647, description="Seed of every random generator.")] = 0
    sweep: Annotated[
        Sweep | None, Field(description="Train once for each of these values; the best becomes the version.")
    ] = None
    gpus: Annotated[int | None, Field(ge=0, le=64, description="GPUs of the step that trains.")] = None
    gpu_type: Annotated[
        str | None,
        Field(
            max_length=63,
            pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
            description="A GPU, or a part of one, by the operator's name for it; default: any.",
        ),
    ] = None
    processes: Annotated[
        int | None,
        Field(ge=1, le=64, description="Processes that torchrun starts; default: one for each GPU."),
    ] = None
    cpu: Annotated[Quantity | None, Field(description="CPUs of the step that trains.")] = None
    memory: Annotated[Quantity | None, Field(description="Memory of the step that trains.")] = None
    secret_ref: Annotated[
        NameRef | None, Field(description="Secret whose keys the script gets as environment variables.")
    ] = None
    evaluation: Annotated[EvaluationPlan, Field(description="How the trained model is judged.")]
    rerun: Annotated[
        str | None,
        Field(max_length=63, description="Any text: the same run with another one is trained again."),
    ] = None
    active_deadline_seconds: Annotated[
        int | None, Field(ge=60, le=31536000, description="Seconds after which an attempt is ended.")
    ] = None
    suspend: Annotated[
        bool | None, Field(description="Whether to stop and free the GPUs; a checkpoint is kept.")
    ] = None
    ttl_seconds_after_finished: Annotated[
        int | None,
        Field(
            ge=0, le=31536000, description="Seconds after which the Workflow is deleted; the record stays."
        ),
    ] = None


SPEC_RULES = rules(
    immutable_except(TrainingRunSpec, "suspend", "ttl_seconds_after_finished"),
    ("!has(self.gpuType) || (has(self.gpus) && self.gpus > 0)", "gpuType needs gpus"),
    (
        "!has(self.code.image) || (has(self.image) && self.image.contains('@sha256:'))",
        "code in an image needs spec.image with a digest: IMAGE@sha256:…",
    ),
    (
        "!has(self.evaluation.evaluator) || has(self.code.git)",
        "an evaluator needs code in git: it runs in mlplane's own image",
    ),
    (
        "!has(self.sweep) || !has(self.params) || self.sweep.parameters.all(p, !(p.name in self.params))",
        "a parameter stands either in params or in sweep.parameters",
    ),
)
TrainingRunSpec.model_config["json_schema_extra"] = SPEC_RULES


class ResolvedDataset(ApiModel):
    """The dataset version that a run works on."""

    digest: Annotated[Digest, Field(description="Digest of the dataset version.")]
    splits: Annotated[
        tuple[Split, ...],
        Field(
            max_length=16,
            description="The splits as they were when the run started.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()


class Resolved(ApiModel):
    """What the controller worked out when the run started; it stays so."""

    dataset: Annotated[ResolvedDataset, Field(description="The dataset version that the run works on.")]
    baseline: Annotated[
        PinnedRef | None, Field(description="The model version that the result is compared with.")
    ] = None
    pool: Annotated[
        str | None, Field(max_length=63, description="The pool of the operator's profile that trains.")
    ] = None


class Usage(ApiModel):
    """What all attempts asked for, by the seconds that they had it (Argo's ``resourcesDuration``)."""

    gpu_seconds: Annotated[int, Field(ge=0, description="GPUs by seconds.")] = 0
    cpu_seconds: Annotated[int, Field(ge=0, description="CPUs by seconds.")] = 0


FailureClass = Literal["User", "Data", "System", "Preempted"]


class TrainingRunStatus(Status):
    """How far the run is and what came of it."""

    resolved: Annotated[Resolved | None, Field(description="What was worked out at the start.")] = None
    attempt: Annotated[int | None, Field(ge=1, description="Number of the newest attempt.")] = None
    workflow: Annotated[str | None, Field(max_length=63, description="Workflow of that attempt.")] = None
    progress: Annotated[
        str | None, Field(max_length=32, description="Finished and known steps, such as 3/4.")
    ] = None
    estimated_completion: Annotated[
        str | None,
        Field(
            max_length=32,
            description="When training ends if it goes on as fast, RFC 3339, to the minute.",
            json_schema_extra={"format": "date-time"},
        ),
    ] = None
    restarts: Annotated[
        int | None, Field(ge=0, description="How often a step of this attempt was started again.")
    ] = None
    usage: Annotated[Usage | None, Field(description="What all attempts used.")] = None
    failure_class: Annotated[
        FailureClass | None, Field(description="Who can mend what the run failed by, or is stalled by.")
    ] = None
    trials: Annotated[
        tuple[Trial, ...],
        Field(
            max_length=100,
            description="What became of each trial of a sweep.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["index"]},
        ),
    ] = ()
    best_trial: Annotated[int | None, Field(ge=1, description="Index of the trial that was chosen.")] = None
    run_key: Annotated[Digest | None, Field(description="Digest of everything that decides the result.")] = (
        None
    )
    model_version: Annotated[
        str | None, Field(max_length=63, description="The ModelVersion that the run made.")
    ] = None
    verdict: Annotated[Verdict | None, Field(description="Verdict of the run's own evaluation.")] = None
    evidence: Annotated[
        Digest | None,
        Field(description="Digest of the spec of the Evaluation that the run left."),
    ] = None


class TrainingRun(Resource):
    """One run of a user's code on a dataset version; a durable record."""

    PLURAL: ClassVar[str] = "trainingruns"
    SHORT_NAME: ClassVar[str] = "run"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        REASON_COLUMN,
        Column("Progress", ".status.progress"),
        Column("Verdict", ".status.verdict"),
        Column("Model Version", ".status.modelVersion"),
        Column("ETA", ".status.estimatedCompletion", priority=1),
        Column("Restarts", ".status.restarts", "integer", priority=1),
        Column("GPU Seconds", ".status.usage.gpuSeconds", "integer", priority=1),
        Column("Run Key", ".status.runKey", priority=1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(50),)

    kind: Literal["TrainingRun"] = "TrainingRun"
    spec: Annotated[
        TrainingRunSpec, Field(description="What is trained, by which code, on which data; immutable.")
    ]
    status: Annotated[TrainingRunStatus, Field(description="How far the run is and what came of it.")] = (
        TrainingRunStatus()
    )
