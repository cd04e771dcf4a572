"""A handwritten digit and what a model says of it, drawn in a terminal. Pure. Called by ``cli.demo``."""

import math
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

INK = 16
"""Value of a black pixel in the data set."""
SHADES = " ░▒▓█"
BAR_WIDTH = 24


def picture(pixels: Sequence[float], width: int) -> Text:
    """The image, two characters a pixel, so that it is as wide as it is high."""
    rows = [pixels[start : start + width] for start in range(0, len(pixels), width)]
    return Text("\n".join("".join(2 * _shade(value) for value in row) for row in rows))


def probabilities(scores: Sequence[float]) -> list[float]:
    """Softmax: scores as shares of one."""
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def verdict(pixels: Sequence[float], scores: Sequence[float], label: int) -> RenderableType:
    """The image, how sure the model is of each digit, its answer and the true label."""
    shares = probabilities(scores)
    answer = shares.index(max(shares))
    right = answer == label
    bars = Table.grid(padding=(0, 1))
    for digit, share in enumerate(shares):
        style = ("bold green" if right else "bold red") if digit == answer else "dim"
        bar = "█" * round(share * BAR_WIDTH)
        bars.add_row(
            Text(str(digit), style), Text(f"{bar:<{BAR_WIDTH}}", style), Text(f"{share:6.1%}", style)
        )
    side = Table.grid(padding=(0, 3))
    side.add_row(Panel(picture(pixels, math.isqrt(len(pixels))), expand=False, border_style="dim"), bars)
    words = Text.assemble(
        "the model says ",
        (str(answer), "bold green" if right else "bold red"),
        ", the true label is ",
        (str(label), "bold"),
        ("  ✓ right" if right else "  ✗ wrong", "green" if right else "red"),
    )
    return Group(side, Text(""), words)


def _shade(value: float) -> str:
    share = min(max(value / INK, 0.0), 1.0)
    return SHADES[round(share * (len(SHADES) - 1))]
