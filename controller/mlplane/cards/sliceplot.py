"""Metrics on each slice with their intervals, beside the baseline's and the bounds of gates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplane.api.judgement import Gate
from mlplane.cards.drawing import BLUE, INK, VERMILION, Draw
from mlplane.cards.report import Ends, Metric, Report
from mlplane.cards.text import wrapped

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def size(report: Report, metrics: Sequence[str]) -> tuple[float, float]:
    """Width and height in inches that the plot needs."""
    lines = sum(max(1, label.count("\n")) for label in _labels(report))
    return 1.8 + 2.6 * len(metrics), 1.1 + 0.36 * lines


def slices(report: Report, metrics: Sequence[str]) -> Draw:
    """A panel for each metric, a line for each slice, and one for all records."""

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for axes, metric in zip(panels, metrics, strict=True):
            _panel(axes, report, metric)
        labels = _labels(report)
        panels[0].set_yticks(range(len(labels)), labels)
        panels[0].set_ylim(len(labels) - 0.5, -0.5)
        _legend(figure, panels)

    return draw


def _panel(axes: "Axes", report: Report, metric: str) -> None:
    axes.set_title(metric)
    axes.axhline(0.5, color="#DDDDDD", linewidth=0.8)
    axes.grid(axis="x", color="#EEEEEE")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    raised = 0.12 if report.baseline else 0
    for line, (name, part) in enumerate(report.parts.items()):
        found = part.metrics.get(metric, Metric())
        _point(axes, (found.value, line - raised), found.interval, BLUE, "o", "this version, 95 %")
        before = (found.baseline, line + 0.18)
        _point(axes, before, found.baseline_interval, VERMILION, "D", "baseline, 95 %")
        for bound in _bounds(report, metric, name):
            axes.plot(
                bound, line, "|", color=INK, markersize=15, markeredgewidth=1.5, label="bound of a gate"
            )


def _point(
    axes: "Axes", at: tuple[float | None, float], ends: Ends | None, color: str, marker: str, label: str
) -> None:
    value, line = at
    if value is None:
        return
    if ends:
        axes.plot(ends, (line, line), color=color, linewidth=2)
    face = color if marker == "o" else "white"
    axes.plot(
        value, line, marker, color=color, markerfacecolor=face, markersize=5.5, label=label, linestyle=""
    )


def _labels(report: Report) -> list[str]:
    """What stands beside each line; a slice may be named ``all``, too."""
    named = {name: f"slice {name}" if name == "all" else name for name in report.parts}
    return [f"{wrapped(named[name] or 'all')} ({part.rows:,})" for name, part in report.parts.items()]


def _bounds(report: Report, metric: str, part: str) -> list[float]:
    """Absolute bounds of gates on a metric there."""

    def is_about(gate: Gate) -> bool:
        return gate.metric == metric and (gate.slice or "") == part

    gates = [result.gate for result in report.gates if is_about(result.gate)]
    return [float(bound) for gate in gates for bound in (gate.min, gate.max) if bound]


def _legend(figure: "Figure", panels: Sequence["Axes"]) -> None:
    known: dict[str, Artist] = {}
    for axes in panels:
        handles, labels = axes.get_legend_handles_labels()
        known |= dict(zip(labels, handles, strict=True))
    figure.legend(list(known.values()), list(known), loc="outside lower center", ncols=len(known))
