"""TrainingRun: one run of a user's code on a dataset version."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlplane.api.dataset import Split
from mlplane.api.judgement import Judgement, NameRef, PinnedRef, Verdict
from mlplane.api.meta import (
    AGE_COLUMN,
    IMMUTABLE,
    READY_COLUMN,
    REASON_COLUMN,
    ApiModel,
    Column,
    Digest,
    Identifier,
    ModelName,
    Params,
    RelativePath,
    Resource,
    Source,
    Status,
    short_name_rule,
)


class EvaluationPlan(Judgement):
    """How the trained model is judged."""

    split: Annotated[Identifier, Field(description="The split of the dataset to judge on.")]


class TrainingRunSpec(ApiModel):
    """What is trained, by which code, on which data, and how it is judged."""

    model_config = {"json_schema_extra": IMMUTABLE}

    model: Annotated[ModelName, Field(description="Name of the model that this run makes a version of.")]
    dataset: Annotated[NameRef, Field(description="The Dataset to train on, in the same namespace.")]
    code: Annotated[Source, Field(description="Directory with the user's code.")]
    entrypoint: Annotated[RelativePath, Field(description="Python script to run, relative to the code.")]
    params: Annotated[
        Params, Field(description="Parameters of the script: whole numbers or strings; quote a float.")
    ] = {}
    seed: Annotated[int, Field(ge=0, le=2147483647, description="Seed of every random generator.")] = 0
    evaluation: Annotated[EvaluationPlan, Field(description="How the trained model is judged.")]


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


class TrainingRunStatus(Status):
    """How far the run is and what came of it."""

    resolved: Annotated[Resolved | None, Field(description="What was worked out at the start.")] = None
    attempt: Annotated[int | None, Field(ge=1, description="Number of the newest attempt.")] = None
    workflow: Annotated[str | None, Field(max_length=63, description="Workflow of that attempt.")] = None
    progress: Annotated[
        str | None, Field(max_length=32, description="Finished and known steps, such as 3/4.")
    ] = None
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
