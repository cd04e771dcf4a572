"""A model card as Markdown: the verdict first, then the numbers, then where the model came from.

Called by ``cli.card``, and ``cards.promotion`` for a part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from mlplane.api.judgement import GateResult
from mlplane.cards.lineage import origin, signature
from mlplane.cards.report import Metric, NamedPart, Report
from mlplane.cards.subject import Judged, Subject
from mlplane.cards.text import plain, short, table
from mlplane.cards.wording import LOWER_IS_BETTER, NONE, change, definition, interval, needs, number, place

CONFUSIONS = 5
"""Most confusions that are put in words."""


class Image(NamedTuple):
    """A plot that lies beside the card."""

    file: str
    title: str


Images = Mapping[tuple[str, str], Image]
"""By evaluation and name of the plot."""


def card(subject: Subject, images: Images) -> str:
    """The card.

    Args:
        subject: The model version, and how it was judged.
        images: Plots to refer to; none where there is no place for them.
    """
    version = subject.version
    parts = [
        f"# {version.name}",
        f"A version of the model `{version.spec.model}`, {short(version.spec.artifact.digest)}.",
        _approval(subject),
        *(part for judged in subject.judged for part in _judged(judged, images)),
        *_training(subject.judged, images),
        *origin(version.spec),
        *signature(version.spec.signature),
    ]
    return "\n\n".join(parts) + "\n"


def _approval(subject: Subject) -> str:
    said = "Approved" if subject.is_approved else "Not approved"
    return f"**{said}**: {plain(subject.message)}."


def _judged(judged: Judged, images: Images) -> Iterator[str]:
    spec, report = judged.evaluation.spec, judged.report
    yield f"## Judged by the split {plain(spec.split)} of {plain(spec.dataset.name)}: {judged.verdict}"
    yield _circumstances(judged)
    if judged.results:
        yield gates(judged.results)
    if report is None:
        said = "There are no more numbers than these" if judged.results else "There are no numbers"
        yield f"**{said}**: {plain(judged.problem)}."
        return
    yield "### Metrics"
    yield _metrics(report.metrics)
    yield from _lower_is_better(report.metrics)
    if report.slices:
        yield "### Slices"
        yield _slices(report)
        yield from _image(images, judged, "slices")
    yield from _answers(judged, report, images)


def _circumstances(judged: Judged) -> str:
    evaluation, report = judged.evaluation, judged.report
    digest = report.dataset.digest if report else evaluation.spec.dataset.digest
    rows = "" if evaluation.status.rows is None else f", {evaluation.status.rows:,} records"
    version = f", version {short(digest)}" if digest else ""
    said = f"Evaluation `{evaluation.name}`{version}{rows}."
    if report and report.baseline:
        before = report.baseline.version
        said += f" The baseline is `{before.name}`, {short(before.digest)}."
    return said if judged.results else f"{said} {plain(judged.message)}."


def gates(results: Sequence[GateResult]) -> str:
    """A table of gates: what each asks for, and what was measured."""
    compared = any(result.baseline for result in results)
    head = ("gate", "records", "needs", *(("baseline",) if compared else ()), "measured", "95 %", "verdict")
    rows = [(*_asked(r), *((r.baseline or NONE,) if compared else ()), *_outcome(r)) for r in results]
    return table(head, rows, right=(3, 4) if compared else (3,))


def _asked(result: GateResult) -> tuple[str, ...]:
    gate = result.gate
    return f"`{gate.metric}`", f"{plain(place(gate))}, {result.rows:,}", needs(gate)


def _outcome(result: GateResult) -> tuple[str, ...]:
    ends = result.interval
    verdict = result.verdict if result.verdict == "Passed" else f"**{result.verdict}**"
    if result.gate.severity == "Warning":
        verdict += " (a warning only)"
    if result.reason:
        verdict += f": {plain(result.reason)}"
    return result.value or NONE, f"{ends.low} to {ends.high}" if ends else NONE, verdict


def _metrics(metrics: Mapping[str, Metric]) -> str:
    compared = any(metric.baseline is not None for metric in metrics.values())
    head = ("metric", "value", "95 %", *(("baseline", "change", "95 %") if compared else ()))
    rows = [(f"`{name}`", *_numbers(metric)[: len(head) - 1]) for name, metric in metrics.items()]
    return table(head, rows, right=(1, 3, 4))


def _lower_is_better(metrics: Iterable[str]) -> Iterator[str]:
    if found := [f"`{name}`" for name in metrics if name in LOWER_IS_BETTER]:
        yield f"Lower is better of {', '.join(found)}."


def _numbers(metric: Metric) -> tuple[str, ...]:
    known = metric.value is not None and metric.baseline is not None
    moved = (metric.value or 0) - (metric.baseline or 0) if known else None
    return (
        number(metric.value),
        interval(metric.interval),
        number(metric.baseline),
        change(moved),
        interval(metric.change_interval),
    )


def _slices(report: Report) -> str:
    """The metrics that gates name, on each slice; the first one, where no gate helps to choose."""
    cuts = {part.name: f": {definition(part)}" for part in report.plan.slices}
    head = ("slice", "records", "metric", "value", "95 %", *(("baseline",) if report.baseline else ()))
    rows = [
        (plain(part.name + cuts.get(part.name, "")), f"{part.rows:,}", *_on_slice(part, metric))[: len(head)]
        for part in report.slices
        for metric in metrics_of_slices(report)
    ]
    return table(head, rows, right=(1, 3, 5))


def _on_slice(part: NamedPart, metric: str) -> tuple[str, ...]:
    found = part.metrics.get(metric, Metric())
    return f"`{metric}`", number(found.value), interval(found.interval), number(found.baseline)


def metrics_of_slices(report: Report, most: int = 3) -> tuple[str, ...]:
    """The metrics that are worth a look on each slice: those of gates, or the first that is defined."""
    known = {
        name for part in report.slices for name, metric in part.metrics.items() if metric.value is not None
    }
    gates = sorted((result.gate for result in report.gates), key=lambda gate: gate.slice is None)
    wanted = [gate.metric for gate in gates if gate.metric in known]
    first = [name for name in (*report.metrics, *sorted(known)) if name in known]
    return tuple(dict.fromkeys(wanted))[:most] or tuple(first[:1])


def _answers(judged: Judged, report: Report, images: Images) -> Iterator[str]:
    if report.plots.confusion:
        yield "### Confusion"
        yield _confusions(report.plots.confusion)
        yield from _image(images, judged, "confusion")
    shown = [*_image(images, judged, "curves"), *_image(images, judged, "residuals")]
    if shown:
        yield "### Errors" if report.task == "Regression" else "### Curves"
        yield from shown


def _confusions(counts: Sequence[Sequence[int]]) -> str:
    wrong = [
        (count, label, answer)
        for label, row in enumerate(counts)
        for answer, count in enumerate(row)
        if count and label != answer
    ]
    if not wrong:
        return "No answer was wrong."
    total = sum(map(sum, counts))
    worst = sorted(wrong, key=lambda found: (-found[0], found[1:]))[:CONFUSIONS]
    listed = ", ".join(f"{label} as {answer} ({count:,})" for count, label, answer in worst)
    return f"{sum(count for count, *_ in wrong):,} of {total:,} answers were wrong; most often {listed}."


def _training(judged: Sequence[Judged], images: Images) -> Iterator[str]:
    """The curves are of the model, and the same in each of its reports."""
    for each in judged:
        if shown := list(_image(images, each, "training")):
            yield "## Training"
            yield from shown
            return


def _image(images: Images, judged: Judged, name: str) -> Iterator[str]:
    if image := images.get((judged.evaluation.name, name)):
        yield f"![{plain(image.title)}]({image.file})"
