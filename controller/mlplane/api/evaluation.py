"""Evaluation: one model version judged on one dataset version."""

from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from mlplane.api.dataset import DatasetRef
from mlplane.api.judgement import GateResult, Judgement, PinnedRef, Verdict
from mlplane.api.meta import (
    AGE_COLUMN,
    ATOMIC,
    IMMUTABLE,
    READY_COLUMN,
    ApiModel,
    Column,
    Identifier,
    Resource,
    Source,
    Status,
    StoreUri,
    short_name_rule,
)


class EvaluationRun(Judgement):
    """An evaluation that is to be carried out."""

    code: Annotated[
        Source | None, Field(description="Directory with the evaluator's code, where there is one.")
    ] = None


class Recorded(ApiModel):
    """The outcome of an evaluation that was carried out."""

    verdict: Annotated[Verdict, Field(description="Passed if every gate that counts passed.")]
    rows: Annotated[int, Field(ge=0, description="Number of records that the model was judged on.")]
    results: Annotated[
        tuple[GateResult, ...],
        Field(max_length=64, description="Each gate with its numbers.", json_schema_extra=ATOMIC),
    ]
    report: Annotated[StoreUri, Field(description="Where the full report is stored.")]


class EvaluationSpec(ApiModel):
    """Who is judged on what: to be carried out, or with its outcome."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                *IMMUTABLE["x-kubernetes-validations"],
                {
                    "rule": "has(self.run) != has(self.recorded)",
                    "message": "exactly one of spec.run and spec.recorded must be set",
                },
                {
                    "rule": "has(self.run) || has(self.dataset.digest)",
                    "message": "spec.dataset.digest must be set for an outcome that is recorded",
                },
            ]
        }
    )

    model_version: Annotated[PinnedRef, Field(description="The model version that is judged.")]
    dataset: Annotated[DatasetRef, Field(description="The dataset that it is judged on.")]
    split: Annotated[Identifier, Field(description="The split of the dataset.")]
    run: Annotated[EvaluationRun | None, Field(description="How to judge it.")] = None
    recorded: Annotated[Recorded | None, Field(description="The outcome.")] = None


class EvaluationStatus(Status):
    """What came of it."""

    dataset: Annotated[PinnedRef | None, Field(description="The dataset version that is judged on.")] = None
    baseline: Annotated[
        PinnedRef | None, Field(description="The model version that it is compared with.")
    ] = None
    workflow: Annotated[str | None, Field(max_length=63, description="Workflow that carries it out.")] = None
    verdict: Annotated[Verdict | None, Field(description="Passed if every gate that counts passed.")] = None
    rows: Annotated[
        int | None, Field(ge=0, description="Number of records that the model was judged on.")
    ] = None
    results: Annotated[
        tuple[GateResult, ...],
        Field(max_length=64, description="Each gate with its numbers.", json_schema_extra=ATOMIC),
    ] = ()
    report: Annotated[StoreUri | None, Field(description="Where the full report is stored.")] = None


class Evaluation(Resource):
    """The judgement of one model version on one dataset version."""

    PLURAL: ClassVar[str] = "evaluations"
    SHORT_NAME: ClassVar[str] = "eval"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        Column("Verdict", ".status.verdict"),
        Column("Model Version", ".spec.modelVersion.name"),
        Column("Dataset", ".spec.dataset.name"),
        Column("Rows", ".status.rows", "integer", 1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(63),)

    kind: Literal["Evaluation"] = "Evaluation"
    spec: Annotated[EvaluationSpec, Field(description="Who is judged on what; immutable.")]
    status: Annotated[EvaluationStatus, Field(description="What came of it.")] = EvaluationStatus()
