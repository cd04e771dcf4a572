"""How far the values of a column lie from those of an earlier version, of which the profile is enough.

Numbers and times are counted in the bins between that version's deciles, texts by its most frequent values
with one bin for all others; missing values have a bin of their own, in front.

    PSI = sum of (a - e) ln(a / e), with a and e the shares of a bin now and then, each at least 0.0001
    KS  = largest difference between the sums of a and e up to a bin

Called by ``data.checks``.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from mlplane.api.datacheck import ROWS_SHOWN, DistributionCheck
from mlplane.api.dataset import DataColumn
from mlplane.data.outcomes import Outcome, shown
from mlplane.data.profiles import ColumnProfile
from mlplane.data.profiling import counts_in
from mlplane.data.query import ROW_NUMBER, broken_in, number_of, values_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LEAST_SHARE = 1e-4
"""An empty bin counts as this much: a logarithm of nothing there is not."""


def distance(
    db: "DuckDBPyConnection", column: DataColumn, check: DistributionCheck, before: ColumnProfile
) -> Outcome:
    """Compare a column with an earlier version.

    What is counted where it fails is the records with a value in the bin whose share has grown most.

    Args:
        db: A connection with the view ``records``.
        column: The column.
        check: Statistic and limit.
        before: The column in the profile of the earlier version.
    """
    then, now = counts_of(before), _counts_now(db, column, before)
    measure = psi if check.statistic == "PSI" else ks
    found, limit = Decimal(measure(then, now)), Decimal(check.max)
    if found <= limit and any(now):
        return Outcome(failed=False, measured=shown(found, limit))
    grown = [a - e for a, e in zip(shares(now), shares(then), strict=True)]
    most = grown.index(max(grown))
    count, rows = _records_in(db, column, before, most)
    return Outcome(failed=True, count=count, rows=rows, measured=shown(found, limit))


def counts_of(before: ColumnProfile) -> tuple[int, ...]:
    """How many values of the earlier version are in each bin."""
    if before.numbers:
        return (before.nulls, *before.numbers.bins.counts)
    counts = [each.count for each in before.top]
    return (before.nulls, *counts, before.looked_at - before.nulls - sum(counts))


def psi(then: Sequence[int], now: Sequence[int]) -> float:
    """Population stability index of counts in the same bins."""
    pairs = zip(shares(then), shares(now), strict=True)
    floored = ((max(e, LEAST_SHARE), max(a, LEAST_SHARE)) for e, a in pairs)
    return math.fsum((a - e) * math.log(a / e) for e, a in floored)


def ks(then: Sequence[int], now: Sequence[int]) -> float:
    """Kolmogorov-Smirnov distance of counts in the same bins, which are in order."""
    sums = zip(accumulate(shares(then)), accumulate(shares(now)), strict=True)
    return max(abs(a - e) for e, a in sums)


def shares(counts: Sequence[int]) -> list[float]:
    """Counts as parts of one; all zero where there is nothing."""
    total = sum(counts) or 1
    return [count / total for count in counts]


def _counts_now(db: "DuckDBPyConnection", column: DataColumn, before: ColumnProfile) -> tuple[int, ...]:
    table = values_of(column)
    all_, present = db.execute(f"SELECT count(*), count(x) FROM {table}").fetchall()[0]
    if before.numbers:
        return (all_ - present, *counts_in(db, table, before.numbers.bins.edges))
    names = [each.value for each in before.top]
    found = dict(
        db.execute(
            f"SELECT x::VARCHAR, count(*) FROM {table} WHERE list_contains(?, x::VARCHAR) GROUP BY 1", [names]
        ).fetchall()
    )
    counts = [found.get(name, 0) for name in names]
    return (all_ - present, *counts, present - sum(counts))


def _records_in(
    db: "DuckDBPyConnection", column: DataColumn, before: ColumnProfile, position: int
) -> tuple[int, tuple[int, ...]]:
    """How many records have a value in a bin, and the first of them; bin 0 is that of missing values."""
    condition, parameters = _bin(before, position)
    lies_in = broken_in(column, lambda value: condition.format(number_of(column, value)))
    count, rows = db.execute(
        f"SELECT count(*), min({ROW_NUMBER}, {ROWS_SHOWN}) FROM records WHERE {lies_in}", parameters
    ).fetchall()[0]
    return count, tuple(rows or ())


def _bin(before: ColumnProfile, position: int) -> tuple[str, list[object]]:
    """SQL of what lies in a bin, with ``{0}`` for the value, and its parameters."""
    if position == 0:
        return "({0}) IS NULL", []
    if before.numbers is None:
        names = [each.value for each in before.top]
        if position <= len(names):
            return "({0})::VARCHAR = ?", [names[position - 1]]
        return "NOT list_contains(?, ({0})::VARCHAR)", [names]
    edges = before.numbers.bins.edges
    low = edges[position - 2] if position > 1 else None
    high = edges[position - 1] if position <= len(edges) else None
    tests = [("({0}) > ?", low), ("({0}) <= ?", high)]
    used = [(test, edge) for test, edge in tests if edge is not None]
    return " AND ".join(test for test, _ in used) or "({0}) IS NOT NULL", [edge for _, edge in used]
