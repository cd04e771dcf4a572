"""Numbers, gates and slices in words, the same in cards and in comparisons."""

from collections.abc import Iterator

from mlplane.api.judgement import Gate, Slice
from mlplane.api.modelversion import Tensor
from mlplane.cards.report import Ends

NONE = "–"
LOWER_IS_BETTER = frozenset({"log_loss", "mae", "rmse", "median_absolute_error"})
"""Of mlplane's own metrics; what is better of a user's is not known."""


def number(value: float | None) -> str:
    """A number with about four digits that count."""
    if value is None:
        return NONE
    size = abs(value)
    if size >= 1e6 or 0 < size < 0.001:
        return f"{value:.3g}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.4f}"


def interval(ends: Ends | None) -> str:
    """``0.95 to 0.98``; a dash for one that is not known."""
    return NONE if ends is None else f"{number(ends[0])} to {number(ends[1])}"


def change(value: float | None) -> str:
    """A difference, with its sign."""
    return NONE if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def place(gate: Gate) -> str:
    """Where a gate looks."""
    return f"slice {gate.slice}" if gate.slice else "all"


def needs(gate: Gate) -> str:
    """What a gate asks for: ``≥ 0.9, change ≥ -0.01``."""
    return ", ".join(_bounds(gate))


def definition(part: Slice) -> str:
    """Which records a slice has: ``13 ≤ mean_radius``."""
    if part.values is not None:
        return f"{part.column} is {', '.join(part.values)}"
    low = f"{part.min} ≤ " if part.min else ""
    high = f" < {part.below}" if part.below else ""
    return f"{low}{part.column}{high}"


def shape(tensor: Tensor) -> str:
    """Sizes of the dimensions: ``any × 64``."""
    return " × ".join("any" if size < 0 else f"{size:,}" for size in tensor.shape)


def _bounds(gate: Gate) -> Iterator[str]:
    of_kinds = (
        ("", gate.min, gate.max),
        ("change ", gate.min_change, gate.max_change),
        ("relative change ", gate.min_relative_change, gate.max_relative_change),
    )
    for what, low, high in of_kinds:
        if low:
            yield f"{what}≥ {low}"
        if high:
            yield f"{what}≤ {high}"
