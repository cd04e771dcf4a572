"""Which plots a report gives; each is drawn in a module of its own. Called by ``cli.card``."""

from collections.abc import Iterator
from typing import NamedTuple

from mlplane.cards import answerplots, sliceplot
from mlplane.cards.drawing import svg
from mlplane.cards.markdown import metrics_of_slices
from mlplane.cards.report import Report

COLUMNS = 3
"""Training curves side by side."""


class Plot(NamedTuple):
    """A plot as it is written to a file."""

    name: str
    title: str
    content: bytes
    """SVG."""


def plots_of(report: Report) -> Iterator[Plot]:
    """The plots that there are points for.

    Raises:
        InvalidInput: matplotlib is not installed.
    """
    metrics, points = metrics_of_slices(report), report.plots
    if report.slices and metrics:
        size = sliceplot.size(report, metrics)
        yield Plot("slices", "Metrics on each slice", svg(sliceplot.slices(report, metrics), *size))
    if points.confusion:
        side = answerplots.confusion_side(len(points.confusion))
        drawn = svg(answerplots.confusion(points.confusion), side + 0.9, side)
        yield Plot("confusion", "Labels and answers", drawn)
    if panels := answerplots.panels(points):
        drawn = svg(answerplots.curves(points), 3.1 * panels, 3.3)
        yield Plot("curves", "How answers are ranked, and how sure the model is", drawn)
    if points.residuals:
        yield Plot("residuals", "Answer minus label", svg(answerplots.residuals(points.residuals), 6, 3))
    if report.training:
        columns = min(COLUMNS, len(report.training))
        rows = -(-len(report.training) // COLUMNS)
        drawn = svg(answerplots.training(report.training, columns), 3.1 * columns, 2.3 * rows)
        yield Plot("training", "Metrics during training", drawn)
