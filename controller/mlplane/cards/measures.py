"""Metrics of two versions on the same records: the difference, and which is better.

Pure. Called by ``cards.compare``.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from mlplane.api.judgement import Gate
from mlplane.cards.markdown import metrics_of_slices
from mlplane.cards.report import Ends, Metric, Part, Report
from mlplane.cards.wording import LOWER_IS_BETTER
from mlplane.steps.judging.metrics import CLASSIFICATION, REGRESSION

OWN = frozenset((*CLASSIFICATION, *REGRESSION))
Which = Literal["A", "B", "same", "unknown"]


class Side(NamedTuple):
    """Where the numbers of a version stand: in a report of its own, or as the baseline in the other's."""

    report: Report
    is_baseline: bool = False

    @property
    def parts(self) -> dict[str, Part]:
        """All records by the name "", and each slice by its own."""
        found = self.report.parts
        return {name: _of_baseline(part) for name, part in found.items()} if self.is_baseline else found


class Measured(NamedTuple):
    """A metric of both versions, A and B."""

    metric: str
    first: Metric
    second: Metric
    change: float | None
    """B minus A."""
    change_interval: Ends | None
    """Known where one version is the other's baseline: of the same samples for both."""
    lower_is_better: bool | None
    """None is not known: a metric of the user's, and no gate says it."""

    @property
    def better(self) -> Which:
        """Which of them has the better value."""
        if self.change == 0:
            return "same"
        if self.change is None or self.lower_is_better is None:
            return "unknown"
        return "A" if (self.change > 0) == self.lower_is_better else "B"

    @property
    def is_clear(self) -> bool:
        """Whether the intervals say that the difference is hardly chance."""
        if self.change_interval:
            return self.change_interval[0] > 0 or self.change_interval[1] < 0
        first, second = self.first.interval, self.second.interval
        return bool(first and second and (first[1] < second[0] or second[1] < first[0]))


class Measures(NamedTuple):
    """The metrics on all records, or on those of a slice."""

    slice: str
    """Empty for all."""
    rows: int
    metrics: Sequence[Measured]


def measures(first: Side, second: Side) -> tuple[list[Measures], list[str]]:
    """Compare what was measured of two versions on the same records.

    Returns:
        The numbers, first those on all records, and what is not compared, in words.
    """
    left, right = first.report.plan, second.report.plan
    if (left.label, first.report.task) != (right.label, second.report.task):
        told = f"A as {first.report.task} of {left.label}, B as {second.report.task} of {right.label}"
        return [], [f"their metrics mean different things: {told}"]
    left_cuts, right_cuts = ({part.name: part for part in plan.slices} for plan in (left, right))
    others = {name for name, cut in left_cuts.items() if right_cuts.get(name, cut) != cut}
    notes = [f"slice {name} has other records for A than for B" for name in sorted(others)]
    foreign = _foreign(first.report, second.report)
    if foreign:
        notes.append(f"the code that measures {', '.join(sorted(foreign))} differs")
    return list(_parts(first, second, others, foreign)), notes


def _parts(first: Side, second: Side, others: set[str], foreign: set[str]) -> Iterator[Measures]:
    in_slices = {*metrics_of_slices(first.report), *metrics_of_slices(second.report)}
    directions = _directions(first.report, second.report)
    intervals = _change_intervals(first, second)
    right = second.parts
    for name, part in first.parts.items():
        if name in others or name not in right:
            continue
        known = [
            metric
            for metric in dict.fromkeys((*part.metrics, *right[name].metrics))
            if metric not in foreign and (not name or metric in in_slices)
        ]
        found = [
            _measured(metric, part, right[name], intervals.get((name, metric)), directions.get(metric))
            for metric in known
        ]
        yield Measures(name, part.rows, found)


def _measured(metric: str, left: Part, right: Part, ends: Ends | None, lower: bool | None) -> Measured:  # noqa: FBT001
    first, second = left.metrics.get(metric, Metric()), right.metrics.get(metric, Metric())
    known = first.value is not None and second.value is not None
    change = (second.value or 0) - (first.value or 0) if known else None
    return Measured(metric, first, second, change, ends, lower)


def _change_intervals(first: Side, second: Side) -> dict[tuple[str, str], Ends]:
    """Intervals of B minus A by slice and metric, from the report that has the other version as baseline."""
    if _is_baseline_of(first, second):
        return {key: metric.change_interval for key, metric in _metrics(second) if metric.change_interval}
    if _is_baseline_of(second, first):
        found = ((key, metric.change_interval) for key, metric in _metrics(first))
        return {key: (-ends[1], -ends[0]) for key, ends in found if ends}
    return {}


def _is_baseline_of(one: Side, other: Side) -> bool:
    if one.is_baseline:
        return True
    baseline = other.report.baseline
    return (
        not other.is_baseline and baseline is not None and baseline.version.digest == one.report.model.digest
    )


def _metrics(side: Side) -> Iterator[tuple[tuple[str, str], Metric]]:
    for name, part in side.parts.items():
        for metric, found in part.metrics.items():
            yield (name, metric), found


def _of_baseline(part: Part) -> Part:
    metrics = {
        name: Metric(value=found.baseline, interval=found.baseline_interval)
        for name, found in part.metrics.items()
    }
    return Part(rows=part.rows, metrics=metrics)


def _foreign(first: Report, second: Report) -> set[str]:
    """Metrics of evaluators, if their code is not the same."""
    if first.evaluator == second.evaluator:
        return set()
    return {name for report in (first, second) for name in report.metrics if name not in OWN}


def _directions(first: Report, second: Report) -> Mapping[str, bool]:
    """By metric, whether lower is better; gates say it of metrics that are not mlplane's."""
    bounded = [(gate, _is_upper(gate)) for report in (first, second) for gate in report.plan.gates]
    said: dict[str, set[bool]] = {}
    for gate, upper in bounded:
        said.setdefault(gate.metric, set()).update(upper)
    told = {metric: found.pop() for metric, found in said.items() if len(found) == 1}
    return told | {metric: metric in LOWER_IS_BETTER for metric in OWN}


def _is_upper(gate: Gate) -> set[bool]:
    """Which kinds of bounds a gate has: True for those above."""
    lower = (gate.min, gate.min_change, gate.min_relative_change)
    upper = (gate.max, gate.max_change, gate.max_relative_change)
    return {is_upper for is_upper, bounds in ((False, lower), (True, upper)) if any(bounds)}
