"""Plots of answers and of training: confusion, curves, calibration, errors, metrics by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplane.cards.drawing import BLUE, GREEN, GREY, INK, VERMILION, Draw, unit
from mlplane.cards.report import Bin, Curve, Histogram, Points
from mlplane.cards.text import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COUNTED = 20
"""Above this many classes, a cell has no room for its count."""
TICKS = 12
MARKED = 3
"""Curves of classes that have a colour of their own: nobody tells more apart."""
_MARKS = ((VERMILION, "-"), (BLUE, "--"), (GREEN, "-."))
Line = tuple[int, Sequence[float], Sequence[float]]
"""Class, and the points of its curve."""


def confusion_side(classes: int) -> float:
    """Inches that the matrix needs."""
    return min(7.5, 2.2 + 0.33 * classes)


def confusion(counts: Sequence[Sequence[int]]) -> Draw:
    """Counts of answers for each label; the colour is the share of the label's records."""

    def draw(figure: "Figure") -> None:
        axes, classes = figure.subplots(), len(counts)
        shares = [[count / (sum(row) or 1) for count in row] for row in counts]
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="none")
        ticks = range(0, classes, _step(classes))
        axes.set(xlabel="answer", ylabel="label", xticks=ticks, yticks=ticks)
        axes.spines[:].set_visible(False)
        if classes <= COUNTED:
            _count(axes, counts, shares)
        figure.colorbar(image, ax=axes, label="share of the label's records", shrink=0.8)

    return draw


def _count(axes: "Axes", counts: Sequence[Sequence[int]], shares: Sequence[Sequence[float]]) -> None:
    size = 9 if len(counts) <= 10 else 6
    for label, row in enumerate(counts):
        for answer, count in enumerate(row):
            if count:
                color = "white" if shares[label][answer] > 0.5 else INK
                axes.text(answer, label, _brief(count), ha="center", va="center", color=color, fontsize=size)


def _step(classes: int) -> int:
    """From one class that is numbered to the next."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100) if classes <= COUNTED or classes <= TICKS * step)


def _brief(count: int) -> str:
    """A count in four characters: ``9999``, ``12k``, ``3M``."""
    if count < 10_000:
        return str(count)
    return f"{count / 1e3:.0f}k" if count < 999_500 else f"{count / 1e6:.0f}M"


def panels(points: Points) -> int:
    """How many plots ``curves`` puts side by side."""
    return bool(points.roc) + bool(points.precision_recall) + bool(points.calibration)


def curves(points: Points) -> Draw:
    """ROC, precision over recall, and calibration, as far as there are points."""

    def draw(figure: "Figure") -> None:
        places = iter(figure.subplots(1, panels(points), squeeze=False)[0])
        if points.roc:
            lines = [(c.class_, c.false_positive_rate, c.true_positive_rate) for c in points.roc]
            _classes(next(places), lines, "ROC", ("false positive rate", "true positive rate"))
        if points.precision_recall:
            lines = [(c.class_, c.recall, c.precision) for c in points.precision_recall]
            _classes(next(places), lines, "Precision over recall", ("recall", "precision"))
        if points.calibration:
            _calibration(next(places), points.calibration)

    return draw


def _classes(axes: "Axes", lines: Sequence[Line], title: str, names: tuple[str, str]) -> None:
    """The classes with the least area under their curves have colours; the others are grey."""
    unit(axes, *names)
    axes.set_title(title)
    worst = sorted(lines, key=lambda line: (abs(_area(line)), line[0]))
    marked = sorted(line[0] for line in worst[:MARKED])
    for class_, x, y in lines:
        if class_ not in marked:
            axes.plot(x, y, color=GREY, linewidth=1, label="other classes")
    for class_, x, y in lines:
        if class_ in marked:
            color, style = _MARKS[marked.index(class_)]
            axes.plot(x, y, color=color, linestyle=style, linewidth=1.6, label=f"class {class_}")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), loc="best", fontsize=8)


def _area(line: Line) -> float:
    _, x, y = line
    return sum((x[i + 1] - x[i]) * (y[i + 1] + y[i]) / 2 for i in range(len(x) - 1))


def _calibration(axes: "Axes", bins: Sequence[Bin]) -> None:
    """A point for each bin, as large as it has records; on the line a model is as sure as it is right.

    No line joins the points: it would lead the eye to bins of few records.
    """
    unit(axes, "how sure the model was", "share of right answers")
    axes.set_title("Calibration (area: records)")
    axes.plot((0, 1), (0, 1), color=GREY, linewidth=1)
    most = max(bin_.rows for bin_ in bins) or 1
    x, y = [bin_.confidence for bin_ in bins], [bin_.accuracy for bin_ in bins]
    sizes = [12 + 90 * bin_.rows / most for bin_ in bins]
    axes.scatter(x, y, sizes, color=BLUE, alpha=0.8, zorder=3, clip_on=False)


def residuals(found: Histogram) -> Draw:
    """How many answers were off by how much."""

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        axes.stairs(found.rows, found.edges, fill=True, color=BLUE)
        axes.axvline(0, color=INK, linewidth=1)
        axes.set(xlabel="answer − label", ylabel="records")

    return draw


def training(found: Sequence[Curve], columns: int) -> Draw:
    """A panel for each metric, for each has a scale of its own."""

    def draw(figure: "Figure") -> None:
        rows = -(-len(found) // columns)
        places = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, curve in zip(places, found, strict=False):
            marker = "o" if len(curve.values) < 3 else ""
            axes.plot(curve.steps, curve.values, color=BLUE, marker=marker, linewidth=1.4)
            axes.set_title(wrapped(curve.metric, 30))
            axes.set_xlabel("step")
            axes.locator_params(axis="x", integer=True, min_n_ticks=1)
            axes.grid(color="#EEEEEE")
        for axes in places[len(found) :]:
            axes.set_visible(False)

    return draw
