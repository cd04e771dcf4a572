"""All metrics of a part of the records: of a model, of its baseline, and of the difference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from mlplane.steps.judging.answers import Answers
from mlplane.steps.judging.draws import Draws, interval
from mlplane.steps.judging.gates import Measured
from mlplane.steps.judging.metrics import values_of
from mlplane.steps.judging.resampled import resampled

Ends = tuple[float, float] | None


@dataclass(frozen=True)
class Measurement:
    """A metric on a part of the records."""

    value: float | None
    interval: Ends = None
    baseline: float | None = None
    baseline_interval: Ends = None
    change_interval: Ends = None
    """Of the difference from the baseline, by the same samples of records for both."""


@dataclass(frozen=True)
class Part:
    """All records, or a slice of them."""

    rows: int
    metrics: Mapping[str, Measurement] = field(default_factory=dict)

    def measured(self, metric: str) -> Measured:
        """A metric as a gate looks at it; one that nobody gave here is not defined here."""
        found = self.metrics.get(metric, Measurement(None))
        return Measured(self.rows, found.value, found.interval, found.baseline)

    def with_own(self, given: Mapping[str, float], baseline: Mapping[str, float]) -> Self:
        """The same with metrics of the user's own, which have no intervals."""
        own = {name: Measurement(value, baseline=baseline.get(name)) for name, value in given.items()}
        return type(self)(self.rows, {**self.metrics, **own})


def measure(answers: Answers, baseline: Answers | None, seed: int) -> Part:
    """Measure mlplane's own metrics.

    Args:
        answers: Of the model.
        baseline: Of the baseline about the same records, if there is one.
        seed: Of the bootstrap samples.
    """
    values, before = values_of(answers), values_of(baseline) if baseline else {}
    if not answers.rows:
        return Part(0, {name: Measurement(value) for name, value in values.items()})
    draws = Draws.of(answers.rows, seed)
    sampled, sampled_before = resampled(answers, draws), resampled(baseline, draws) if baseline else {}
    ends = {name: interval(found) for name, found in sampled.items()}
    ends_before = {name: interval(found) for name, found in sampled_before.items()}
    changes = {n: interval(found - sampled_before[n]) for n, found in sampled.items() if n in sampled_before}
    return Part(
        answers.rows,
        {
            name: Measurement(
                value, ends.get(name), before.get(name), ends_before.get(name), changes.get(name)
            )
            for name, value in values.items()
        },
    )
