"""Metrics of a training as curves in a terminal, from the lines that a script prints. Pure.

Called by ``cli.metrics``.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from plotille import Canvas
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

HEIGHT = 6
"""Lines of a plot."""
TWO_COLUMNS = 110
"""Width from which on plots stand side by side."""
LABEL = 9
"""Characters of a number on the axis."""


@dataclass
class Curves:
    """Values by metric and step. A step that is told again, as after a restart, is told once."""

    series: dict[str, dict[int, float]] = field(default_factory=dict)

    def take(self, line: str) -> bool:
        """Take in a line of a log; whether it told of metrics."""
        if '"mlplane"' not in line:
            return False
        try:
            point = json.loads(line)["mlplane"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
        return isinstance(point, dict) and self.add(point)

    def add(self, point: Mapping[str, object]) -> bool:
        """Take in a point, ``{"metrics": {"loss": 0.1}, "step": 3}``; whether it was one."""
        metrics, step = point.get("metrics"), point.get("step")
        if not isinstance(metrics, dict):
            return False
        for name, value in metrics.items():
            if not isinstance(value, int | float) or not math.isfinite(value):
                continue
            known = self.series.setdefault(str(name), {})
            # A point without a step has its place among those of its metric.
            known[step if isinstance(step, int) else len(known)] = float(value)
        return True

    def rows(self) -> list[dict[str, float]]:
        """A document for each step, in order: ``{"step": 3, "loss": 0.1}``."""
        steps = sorted({step for points in self.series.values() for step in points})
        return [
            {"step": step} | {name: points[step] for name, points in self.series.items() if step in points}
            for step in steps
        ]

    def news(self, told: set[str]) -> list[str]:
        """Rows as JSON that were not told before, and are noted there; a step that has more now is one."""
        lines = [line for line in map(json.dumps, self.rows()) if line not in told]
        told.update(lines)
        return lines


def drawn(curves: Curves, width: int) -> RenderableType:
    """One small plot for each metric, within a width in characters."""
    columns = 2 if width >= TWO_COLUMNS and len(curves.series) > 1 else 1
    each = width // columns - (2 if columns > 1 else 0)
    plots = [_plot(name, sorted(points.items()), each) for name, points in curves.series.items()]
    if columns == 1:
        return Group(*plots)
    grid = Table.grid(padding=(0, 2), expand=False)
    for start in range(0, len(plots), columns):
        grid.add_row(*plots[start : start + columns])
    return grid


def _plot(name: str, points: Sequence[tuple[int, float]], width: int) -> Text:
    steps, values = [step for step, _ in points], [value for _, value in points]
    low, high = min(values), max(values)
    wide = max(8, width - LABEL - 3)
    canvas = Canvas(
        wide, HEIGHT, xmin=steps[0], ymin=low, xmax=_beyond(steps, 2 * wide), ymax=_beyond(values, 4 * HEIGHT)
    )
    shown = [*points[:: 1 + len(points) // (4 * wide)], points[-1]]
    for (x0, y0), (x1, y1) in pairwise(shown):
        canvas.line(x0, y0, x1, y1)
    text = _title(name, points, width)
    for row, line in enumerate(canvas.plot().splitlines()):
        label = number(high) if row == 0 else number(low) if row == HEIGHT - 1 else ""
        text.append(f"\n{label:>{LABEL}} ┤", style="dim")
        text.append(line, style="cyan")
    first, last = str(steps[0]), str(steps[-1])
    gap = " " * max(1, wide - len(first) - len(last))
    text.append(f"\n{'':>{LABEL}}  {first}{gap if first != last else ''}", style="dim")
    text.append(f"{last if first != last else ''}\n", style="dim")
    return text


def _title(name: str, points: Sequence[tuple[int, float]], width: int) -> Text:
    """The newest value, and the extreme ones as far as there is room."""
    step, value = points[-1]
    (low_at, low), (high_at, high) = (chosen(points, key=lambda point: point[1]) for chosen in (min, max))
    said = f"{name}  {number(value)} at step {step}"
    wholly = f"  lowest {number(low)} at {low_at}, highest {number(high)} at {high_at}"
    more = wholly if len(said + wholly) <= width else f"  {number(low)} … {number(high)}"
    title = Text.assemble((name, "bold"), said.removeprefix(name), (more, "dim"))
    title.truncate(width, overflow="ellipsis")
    return title


def number(value: float) -> str:
    """A value in at most nine characters."""
    return f"{value:.4g}"


def _beyond(values: Sequence[float], dots: int) -> float:
    """The end of an axis with so many dots: the last of them is the largest value."""
    low, high = min(values), max(values)
    return low + (high - low) * dots / (dots - 1) if high > low else low + max(1.0, abs(low))
