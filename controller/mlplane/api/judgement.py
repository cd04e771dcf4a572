"""How a model is judged, and what was measured: shared by TrainingRun and Evaluation."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from mlplane.api.meta import (
    ATOMIC,
    ApiModel,
    DecimalString,
    Digest,
    Identifier,
    ObjectName,
    RelativePath,
    rules,
)

Verdict = Literal["Passed", "Failed", "Inconclusive"]
MIN_SAMPLES = 30
"""Fewest records of a gate where the plan names no number."""


class PinnedRef(ApiModel):
    """An object of the same namespace, pinned by digest."""

    name: Annotated[ObjectName, Field(description="Name of the object.")]
    digest: Annotated[Digest, Field(description="Digest that the object must have.")]


class NameRef(ApiModel):
    """An object of the same namespace."""

    name: Annotated[ObjectName, Field(description="Name of the object.")]


class Slice(ApiModel):
    """A part of the records that is looked at by itself."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.values) != (has(self.min) || has(self.below))",
                "a slice has either values, or min and below",
            ),
        )
    )

    name: Annotated[Identifier, Field(description="Name of the slice.")]
    column: Annotated[Identifier, Field(description="The column that decides.")]
    values: Annotated[
        tuple[Annotated[str, Field(max_length=256)], ...] | None,
        Field(
            min_length=1,
            max_length=64,
            description="Records that have one of these values.",
            json_schema_extra=ATOMIC,
        ),
    ] = None
    min: Annotated[DecimalString | None, Field(description="Records from this number on.")] = None
    below: Annotated[DecimalString | None, Field(description="Records below this number.")] = None


class Gate(ApiModel):
    """What a metric must be before a model may be served."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.min) || has(self.max) || has(self.minChange) || has(self.maxChange) || "
                "has(self.minRelativeChange) || has(self.maxRelativeChange)",
                "a gate needs one of min, max, minChange, maxChange, minRelativeChange and maxRelativeChange",
            ),
        )
    )

    metric: Annotated[Identifier, Field(description="Name of a metric: of mlplane's, or of the evaluator's.")]
    slice: Annotated[Identifier | None, Field(description="The slice; all records, if not set.")] = None
    min: Annotated[DecimalString | None, Field(description="Smallest value that passes.")] = None
    max: Annotated[DecimalString | None, Field(description="Largest value that passes.")] = None
    min_change: Annotated[
        DecimalString | None, Field(description="Smallest difference from the baseline that passes.")
    ] = None
    max_change: Annotated[
        DecimalString | None, Field(description="Largest difference from the baseline that passes.")
    ] = None
    min_relative_change: Annotated[
        DecimalString | None,
        Field(description="Smallest difference that passes, as a share of the baseline's value."),
    ] = None
    max_relative_change: Annotated[
        DecimalString | None,
        Field(description="Largest difference that passes, as a share of the baseline's value."),
    ] = None
    severity: Annotated[
        Literal["Error", "Warning"] | None,
        Field(description="Warning: reported, and no obstacle. Error where it is not set."),
    ] = None


class Baseline(ApiModel):
    """What a model is compared with."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.modelServer) != has(self.modelVersion)",
                "exactly one of modelServer and modelVersion must be set",
            ),
        )
    )

    model_server: Annotated[
        NameRef | None,
        Field(description="The version that this ModelServer serves; nothing, while it serves none."),
    ] = None
    model_version: Annotated[PinnedRef | None, Field(description="One version.")] = None


class Judgement(ApiModel):
    """How a model is judged."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.baseline) || !self.gates.exists(g, has(g.minChange) || has(g.maxChange) || "
                "has(g.minRelativeChange) || has(g.maxRelativeChange))",
                "a gate on a change needs a baseline to change from",
            ),
        )
    )

    label: Annotated[Identifier, Field(description="The column that holds the right answer.")]
    task: Annotated[
        Literal["Classification", "Regression"] | None,
        Field(description="What the answer is: a class, or a number. Classification where it is not set."),
    ] = None
    slices: Annotated[
        tuple[Slice, ...],
        Field(
            max_length=32,
            description="Parts of the records that are looked at by themselves.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ] = ()
    baseline: Annotated[Baseline | None, Field(description="What the model is compared with.")] = None
    min_samples: Annotated[
        int | None,
        Field(
            ge=1,
            le=2**31 - 1,
            description=f"Fewest records for a verdict of a gate; {MIN_SAMPLES} where it is not set.",
        ),
    ] = None
    evaluator: Annotated[
        RelativePath | None,
        Field(description="Python file in the code with a function evaluate, which gives more metrics."),
    ] = None
    gates: Annotated[
        tuple[Gate, ...],
        Field(
            min_length=1,
            max_length=64,
            description="What the model must meet before it may be served.",
            json_schema_extra=ATOMIC,
        ),
    ]


class Interval(ApiModel):
    """Where a value lies with 95 % confidence (bootstrap)."""

    low: Annotated[DecimalString, Field(description="Lower end.")]
    high: Annotated[DecimalString, Field(description="Upper end.")]


class GateResult(ApiModel):
    """A gate and what was measured."""

    gate: Annotated[Gate, Field(description="The gate.")]
    verdict: Annotated[Verdict, Field(description="Whether it is met.")]
    rows: Annotated[int, Field(ge=0, description="Number of records that were looked at.")]
    value: Annotated[
        DecimalString | None, Field(description="Measured value; none, where there is nothing to measure.")
    ] = None
    interval: Annotated[Interval | None, Field(description="Where the value lies with 95 % confidence.")] = (
        None
    )
    baseline: Annotated[DecimalString | None, Field(description="Value of the baseline.")] = None
    reason: Annotated[
        str | None, Field(max_length=128, description="Why there is no verdict, where there is none.")
    ] = None
