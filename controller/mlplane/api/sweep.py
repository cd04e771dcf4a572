"""Sweeps: one training for each combination of parameters, and which of them is the best."""

from typing import Annotated, Literal

from pydantic import Field

from mlplane.api.meta import ATOMIC, ApiModel, DecimalString, Digest, Identifier, Param, rules

TRIALS_LIMIT = 100


class SweepRange(ApiModel):
    """Numbers to draw from, both ends included."""

    min: Annotated[DecimalString, Field(description="Smallest value.")]
    max: Annotated[DecimalString, Field(description="Largest value.")]
    scale: Annotated[
        Literal["Linear", "Log"], Field(description="What is uniform: the value or its logarithm.")
    ] = "Linear"
    type: Annotated[
        Literal["Number", "Integer"], Field(description="Whether only whole numbers are drawn.")
    ] = "Number"


class SweepParameter(ApiModel):
    """A parameter and the values that it takes."""

    model_config = {
        "json_schema_extra": rules(
            ("has(self.values) != has(self.range)", "give exactly one of values and range"),
        )
    }

    name: Annotated[Identifier, Field(description="Name of the parameter.")]
    values: Annotated[
        tuple[Param, ...] | None,
        Field(min_length=1, max_length=32, description="Values to choose from.", json_schema_extra=ATOMIC),
    ] = None
    range: Annotated[SweepRange | None, Field(description="Numbers to draw from; for Random only.")] = None


class Objective(ApiModel):
    """By what trials are compared."""

    metric: Annotated[
        Identifier, Field(description="A metric that the script reports; its last value is the score.")
    ]
    goal: Annotated[Literal["Maximize", "Minimize"], Field(description="Which end is better.")]


class Sweep(ApiModel):
    """Which trials a run makes; each has a run key of its own."""

    model_config = {
        "json_schema_extra": rules(
            (
                "self.method == 'Random' || self.parameters.all(p, has(p.values))",
                "a Grid needs values for each parameter; ranges are for Random",
            ),
            ("(self.method == 'Random') == has(self.trials)", "trials is for Random, and needed there"),
        )
    }

    method: Annotated[
        Literal["Grid", "Random"],
        Field(description="All combinations, or as many as trials, drawn by the seed of the run."),
    ]
    parameters: Annotated[
        tuple[SweepParameter, ...],
        Field(
            min_length=1,
            max_length=16,
            description="Parameters that differ between trials.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
        ),
    ]
    trials: Annotated[int | None, Field(ge=1, le=TRIALS_LIMIT, description="Number of trials to draw.")] = (
        None
    )
    parallelism: Annotated[int, Field(ge=1, le=32, description="Trials that train at the same time.")] = 1
    objective: Annotated[Objective, Field(description="By what trials are compared.")]


class Trial(ApiModel):
    """What became of one trial."""

    index: Annotated[int, Field(ge=1, le=TRIALS_LIMIT, description="Number of the trial, from 1.")]
    params: Annotated[
        dict[Identifier, Annotated[str, Field(max_length=1024)]],
        Field(max_length=16, description="Values of the parameters that differ."),
    ] = {}
    run_key: Annotated[Digest | None, Field(description="Run key of the trial.")] = None
    state: Annotated[
        Literal["Succeeded", "Failed"],
        Field(description="Whether it made a model and reported the objective."),
    ]
    score: Annotated[
        str | None, Field(max_length=32, description="Last value of the objective, as a decimal number.")
    ] = None
    message: Annotated[str | None, Field(max_length=256, description="Why there is no score.")] = None
