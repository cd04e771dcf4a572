"""Collects what reading finds: counts and row numbers, never values, for data may be secret."""

import numpy as np
from numpy.typing import NDArray

from mlplane.api.datacheck import ROWS_SHOWN
from mlplane.data.staging import Finding, Rule


class Findings:
    """What was found so far, and how many records there were. They come in the order of their numbers."""

    def __init__(self) -> None:
        self.records = 0
        self._counts: dict[tuple[Rule, str | None, str], int] = {}
        self._rows: dict[tuple[Rule, str | None, str], list[int]] = {}

    def number(self, count: int) -> NDArray[np.int64]:
        """The numbers of the next records."""
        first = self.records + 1
        self.records += count
        return np.arange(first, first + count, dtype=np.int64)

    def note(self, rule: Rule, column: str | None, text: str, rows: NDArray[np.int64]) -> None:
        """Records with these numbers, each given once, break a rule."""
        if not len(rows):
            return
        key = (rule, column, text)
        self._counts[key] = self._counts.get(key, 0) + len(rows)
        first = self._rows.setdefault(key, [])
        first += [int(row) for row in rows[: ROWS_SHOWN - len(first)]]

    def all(self) -> tuple[Finding, ...]:
        """One finding for each rule and column."""
        return tuple(
            Finding(rule, column, text, count, tuple(self._rows[rule, column, text]))
            for (rule, column, text), count in self._counts.items()
        )
