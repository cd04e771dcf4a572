"""Ranges of costs and sizes, whose sums and products end at the greatest number of 64 bits, as in cel-go."""

import math
from dataclasses import dataclass

_MOST = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """From the least to the most that something can cost, or can be long."""

    least: int
    most: int

    def __add__(self, other: "Range") -> "Range":
        return Range(min(_MOST, self.least + other.least), min(_MOST, self.most + other.most))

    def __mul__(self, other: "Range") -> "Range":
        return Range(min(_MOST, self.least * other.least), min(_MOST, self.most * other.most))

    def times(self, factor: float) -> "Range":
        """Multiplied, and rounded up."""
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def union(self, other: "Range") -> "Range":
        """What covers both."""
        return Range(min(self.least, other.least), max(self.most, other.most))


def _scaled(value: int, factor: float) -> int:
    return min(_MOST, math.ceil(float(value) * factor))


def fixed(value: int) -> Range:
    """A range of one number."""
    return Range(value, value)


FREE = fixed(0)
ONE = fixed(1)
UNKNOWN = Range(0, _MOST)
