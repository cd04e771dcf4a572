"""Evaluation: one model version judged on one dataset version."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from mlplane.api.meta import (
    AGE_COLUMN,
    IMMUTABLE,
    READY_COLUMN,
    ApiModel,
    Column,
    DecimalString,
    Digest,
    Identifier,
    ObjectName,
    Resource,
    Status,
    StoreUri,
    short_name_rule,
)


class Gate(ApiModel):
    """A condition on a metric that a model must meet before it may be served."""

    metric: Annotated[Literal["accuracy"], Field(description="Name of the metric: a share between 0 and 1.")]
    min: Annotated[DecimalString, Field(description="Smallest value that passes.")]


class GateResult(ApiModel):
    """A gate and what was measured."""

    metric: Annotated[Identifier, Field(description="Name of the metric.")]
    min: Annotated[DecimalString, Field(description="Smallest value that passes.")]
    value: Annotated[DecimalString, Field(description="Measured value.")]
    verdict: Annotated[Literal["Passed", "Failed"], Field(description="Whether the value passes.")]


class PinnedRef(ApiModel):
    """An object of the same namespace, pinned by digest."""

    name: Annotated[ObjectName, Field(description="Name of the object.")]
    digest: Annotated[Digest, Field(description="Digest that the object must have.")]


class Recorded(ApiModel):
    """The outcome of an evaluation that was carried out."""

    verdict: Annotated[Literal["Passed", "Failed"], Field(description="Passed if every gate passed.")]
    rows: Annotated[int, Field(ge=0, description="Number of records that the model was judged on.")]
    results: Annotated[
        tuple[GateResult, ...],
        Field(
            max_length=32,
            description="Each gate with its number.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["metric"]},
        ),
    ]
    report: Annotated[StoreUri, Field(description="Where the full report is stored.")]


class EvaluationSpec(ApiModel):
    """Who was judged on what, and the outcome."""

    model_config = {"json_schema_extra": IMMUTABLE}

    model_version: Annotated[PinnedRef, Field(description="The model version that was judged.")]
    dataset: Annotated[PinnedRef, Field(description="The dataset version that it was judged on.")]
    split: Annotated[Identifier, Field(description="The split of the dataset.")]
    recorded: Annotated[Recorded, Field(description="The outcome.")]


class Evaluation(Resource):
    """The judgement of one model version on one dataset version."""

    PLURAL: ClassVar[str] = "evaluations"
    SHORT_NAME: ClassVar[str] = "eval"
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY_COLUMN,
        Column("Verdict", ".spec.recorded.verdict"),
        Column("Model Version", ".spec.modelVersion.name"),
        Column("Dataset", ".spec.dataset.name"),
        Column("Rows", ".spec.recorded.rows", "integer", 1),
        AGE_COLUMN,
    )
    RULES: ClassVar[tuple[tuple[str, str], ...]] = (short_name_rule(63),)

    kind: Literal["Evaluation"] = "Evaluation"
    spec: Annotated[EvaluationSpec, Field(description="Who was judged on what, and the outcome.")]
    status: Annotated[Status, Field(description="Whether the record can be relied on.")] = Status()
