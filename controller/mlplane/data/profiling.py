"""Makes the profile of staged records: two queries a column, in bounded memory.

Called by ``steps.ingest``. Of vectors, every k-th record is looked at, so that wide ones take no longer.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.api.dataset import DataColumn
from mlplane.data.profiles import Bins, ColumnProfile, Lengths, Numbers, Profile, TopValue, is_numeric
from mlplane.data.query import ROW_NUMBER, records_in, values_of
from mlplane.data.staging import Staged

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DECILES = tuple(i / 10 for i in range(1, 10))
BARS = 20
"""Bins of a histogram."""
TOP = 20
CANDIDATES = 200
"""A value that makes up a 600th of a column is among its most frequent values for certain."""
LONGEST = 256
"""Characters of a value that is counted; longer texts are no categories."""
VECTOR_VALUES = 4_000_000
"""Values of a vector column that are looked at."""
SAFE = 1e150
"""Squares of larger numbers do not fit a float."""


def profile_of(staged: Staged, spill: Path) -> Profile:
    """The profile of all staged records.

    Args:
        staged: The records.
        spill: Folder for what does not fit into memory.
    """
    with records_in(staged.path, spill) as db:
        columns = tuple(_column(db, column, staged.rows) for column in staged.columns)
    return Profile(rows=staged.rows, columns=columns)


def counts_in(db: "DuckDBPyConnection", table: str, edges: Sequence[int | float]) -> tuple[int, ...]:
    """How many values lie in each bin.

    Args:
        db: A connection with the view ``records``.
        table: SQL of a table with a column ``x``.
        edges: Ascending edges of the bins.
    """
    if not edges:
        return db.execute(f"SELECT count(x) FROM {table}").fetchall()[0]
    query = f"SELECT map_values(histogram(x, ?)) FROM {table}"
    counts = db.execute(query, [list(edges)]).fetchall()[0][0] or []
    return (*counts, *[0] * (len(edges) + 1 - len(counts)))


def _column(db: "DuckDBPyConnection", column: DataColumn, rows: int) -> ColumnProfile:
    stride = max(1, rows * (column.width or 0) // VECTOR_VALUES)
    table = values_of(column, f"{ROW_NUMBER} % {stride} = 0" if stride > 1 else "true")
    looked_at, present, distinct = db.execute(
        f"SELECT count(*), count(x), approx_count_distinct(x) FROM {table}"
    ).fetchall()[0]
    return ColumnProfile(
        name=column.name,
        type=column.type,
        width=column.width,
        looked_at=looked_at,
        nulls=looked_at - present,
        distinct=min(distinct, present),
        numbers=_numbers(db, table) if present and is_numeric(column) else None,
        lengths=_lengths(db, table, column) if present and column.type in ("String", "Binary") else None,
        top=_top(db, table) if column.type in ("String", "Boolean") else (),
    )


def _numbers(db: "DuckDBPyConnection", table: str) -> Numbers:
    low, high, deciles = db.execute(
        f"SELECT min(x), max(x), approx_quantile(x, {list(DECILES)}) FROM {table}"
    ).fetchall()[0]
    scale = max(abs(low), abs(high))
    x = f"x / {scale!r}" if scale > SAFE else "x"
    mean, std = db.execute(f"SELECT avg({x}), stddev_samp({x}) FROM {table}").fetchall()[0]
    factor = scale if scale > SAFE else 1
    edges, bars = sorted(set(deciles)), bars_between(low, high)
    return Numbers(
        min=low,
        max=high,
        mean=mean * factor,
        std=std * factor if std is not None and math.isfinite(std * factor) else None,
        deciles=tuple(deciles),
        bins=Bins(edges=tuple(edges), counts=counts_in(db, table, edges)),
        histogram=Bins(edges=bars, counts=counts_in(db, table, bars)),
    )


def bars_between(low: float, high: float) -> tuple[int | float, ...]:
    """Edges of at most 20 bins of equal width, without the outer two; of whole numbers, whole ones."""
    if isinstance(low, int) and isinstance(high, int):
        edges: Iterable[int | float] = (low + (high - low) * i // BARS for i in range(1, BARS))
        if high - low < BARS:
            edges = range(low, high)
    else:
        edges = (low * (1 - i / BARS) + high * (i / BARS) for i in range(1, BARS))
    return tuple(sorted({edge for edge in edges if edge < high}))


def _lengths(db: "DuckDBPyConnection", table: str, column: DataColumn) -> Lengths:
    length = "length" if column.type == "String" else "octet_length"
    low, high, mean = db.execute(
        f"SELECT min({length}(x)), max({length}(x)), avg({length}(x)) FROM {table}"
    ).fetchall()[0]
    return Lengths(min=low, max=high, mean=mean)


def _top(db: "DuckDBPyConnection", table: str) -> tuple[TopValue, ...]:
    """Candidates first, which takes little memory for any number of values; then they are counted."""
    texts = f"(SELECT x::VARCHAR AS x FROM {table} WHERE length(x::VARCHAR) <= {LONGEST})"
    (candidates,) = db.execute(f"SELECT approx_top_k(x, {CANDIDATES}) FROM {texts}").fetchall()[0]
    found = db.execute(
        f"SELECT x, count(*) FROM {texts} WHERE list_contains(?, x) "
        f"GROUP BY x ORDER BY 2 DESC, x LIMIT {TOP}",
        [candidates or []],
    ).fetchall()
    return tuple(TopValue(value=value, count=count) for value, count in found)
