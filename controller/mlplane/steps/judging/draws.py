"""Bootstrap samples of records, as weights.

A sample of n records drawn with replacement gives each record a weight: how often it was drawn. Beyond
``BLOCKS`` records, blocks of records in random order are drawn instead of single ones; the interval of a mean
stays what it is, and the work does not grow with the records. A model and its baseline get the same samples,
so that the interval of their difference is that of pairs.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

SAMPLES = 1000
BLOCKS = 2000
ENDS = (2.5, 97.5)
"""Percentiles between which a value lies with 95 % confidence (percentile method, Efron 1979)."""


@dataclass(frozen=True)
class Draws:
    """Samples of the records."""

    blocks: "Array"
    """``[rows]``: the block of each record."""
    weights: "Array"
    """``[samples, blocks]``: how often each block was drawn."""

    @classmethod
    def of(cls, rows: int, seed: int, samples: int = SAMPLES) -> Self:
        """Samples of so many records, at least one; the same for the same seed."""
        import numpy as np

        random = np.random.default_rng(seed)
        count = min(rows, BLOCKS)
        blocks = np.arange(rows) if rows == count else random.permutation(np.arange(rows) % count)
        drawn = random.integers(count, size=(samples, count)) + np.arange(samples)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=samples * count).reshape(samples, count)
        return cls(blocks, weights.astype(np.float64))

    def total(self, values: "Array") -> "Array":
        """The sum over the records of each sample, ``[samples]``, of a value that each record has."""
        import numpy as np

        return self.weights @ np.bincount(self.blocks, weights=values, minlength=self.weights.shape[1])

    def counts(self, classes: "Array", number: int, mask: "Array | None" = None) -> "Array":
        """How many records of each sample are of each class: ``[samples, number]``.

        Args:
            classes: Class of each record.
            number: Number of classes.
            mask: Which records count; all, if not given.
        """
        import numpy as np

        blocks = self.weights.shape[1]
        cells = self.blocks * number + classes
        counted = np.bincount(cells if mask is None else cells[mask], minlength=blocks * number)
        return self.weights @ counted.reshape(blocks, number).astype(np.float64)


def seed_of(parts: Iterable[str]) -> int:
    """A seed that follows from what is judged, so that a report is the same each time."""
    return int.from_bytes(hashlib.sha256("\n".join(parts).encode()).digest()[:8], "big")


def interval(resampled: "Array") -> tuple[float, float] | None:
    """Where a value lies with 95 % confidence; None where it is not defined in most of the samples."""
    import numpy as np

    defined = resampled[np.isfinite(resampled)]
    if 2 * len(defined) < len(resampled):
        return None
    low, high = np.percentile(defined, ENDS)
    return float(low), float(high)
