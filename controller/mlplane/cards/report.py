"""The report of a judgement as a card reads it: what ``steps.reports`` writes, with types.

docs/reference/evaluations.md says what stands in it. Fields that a card does not need are passed over.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from mlplane.api.judgement import GateResult, PinnedRef, Verdict
from mlplane.api.trainingrun import EvaluationPlan
from mlplane.errors import Terminal

Ends = tuple[float, float]
"""Lower and upper end of an interval of 95 % confidence."""


class _Read(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, validate_by_name=True, extra="ignore", frozen=True)


class Metric(_Read):
    """What was measured, of the model and of its baseline; None is not known."""

    value: float | None = None
    interval: Ends | None = None
    baseline: float | None = None
    baseline_interval: Ends | None = None
    change_interval: Ends | None = None


class Part(_Read):
    """All records, or a slice of them."""

    rows: int
    metrics: dict[str, Metric]


class NamedPart(Part):
    """A slice."""

    name: str


class Rate(_Read):
    """A ROC curve of a class against the rest."""

    class_: Annotated[int, Field(alias="class")]
    false_positive_rate: tuple[float, ...]
    true_positive_rate: tuple[float, ...]


class Precision(_Read):
    """Precision over recall of a class against the rest."""

    class_: Annotated[int, Field(alias="class")]
    recall: tuple[float, ...]
    precision: tuple[float, ...]


class Bin(_Read):
    """Answers that the model was about as sure of."""

    rows: int
    confidence: float
    accuracy: float


class Histogram(_Read):
    """Counts between edges, of which there is one more."""

    edges: tuple[float, ...]
    rows: tuple[int, ...]


class Points(_Read):
    """What plots are drawn from."""

    confusion: tuple[tuple[int, ...], ...] = ()
    """``[label][answer]``"""
    roc: tuple[Rate, ...] = ()
    precision_recall: tuple[Precision, ...] = ()
    calibration: tuple[Bin, ...] = ()
    residuals: Histogram | None = None


class Curve(_Read):
    """A metric during training."""

    metric: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


class Compared(_Read):
    """The baseline: a version and the name of its model."""

    version: PinnedRef
    model: str


class Named(_Read):
    """A model or a split, with its digest."""

    name: str
    digest: str


class Evaluator(_Read):
    """Code that measures what mlplane does not."""

    tree: str


class Report(Part):
    """A report."""

    model: Named
    dataset: PinnedRef
    split: Named
    plan: EvaluationPlan
    task: Literal["Classification", "Regression"]
    baseline: Compared | None = None
    evaluator: Evaluator | None = None
    slices: tuple[NamedPart, ...] = ()
    gates: tuple[GateResult, ...]
    verdict: Verdict
    plots: Points = Points()
    training: tuple[Curve, ...] = ()

    @property
    def parts(self) -> dict[str, Part]:
        """All records by the name "", which no slice has, and each slice by its own."""
        return {"": self, **{part.name: part for part in self.slices}}

    @classmethod
    def of(cls, document: Any, uri: str) -> Self:
        """Read the JSON of a report.

        Raises:
            Terminal: it is not what ``steps.reports`` writes.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the whole"
            raise Terminal(f"report {uri} is damaged: {where}: {first['msg']}") from error
