"""Records that are alike in some columns: grouped on disk where they do not fit into memory.

A missing value is like another missing value. Called by ``data.checks``.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlplane.api.datacheck import ROWS_SHOWN
from mlplane.data.outcomes import Outcome
from mlplane.data.query import ROW_NUMBER, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_FIRST, _NUMBER = '"#first"', '"#number"'
"""Names that no column of a dataset can have."""


def repeated(db: "DuckDBPyConnection", columns: Sequence[str]) -> Outcome:
    """Records that are like an earlier one.

    Args:
        db: A connection with the view ``records``.
        columns: Names of the columns that together are a key.
    """
    keys = ", ".join(map(quoted, columns))
    db.execute(
        f"CREATE OR REPLACE TEMP TABLE twice AS SELECT {keys}, min({ROW_NUMBER}) AS {_FIRST}, "
        f"count(*) AS {_NUMBER} FROM records GROUP BY {keys} HAVING count(*) > 1"
    )
    (count,) = db.execute(f"SELECT coalesce(sum({_NUMBER} - 1), 0)::BIGINT FROM twice").fetchall()[0]
    if not count:
        return Outcome(failed=False)
    alike = " AND ".join(f"r.{quoted(name)} IS NOT DISTINCT FROM t.{quoted(name)}" for name in columns)
    rows = db.execute(
        f"SELECT r.{ROW_NUMBER} FROM records r JOIN twice t ON {alike} WHERE r.{ROW_NUMBER} > t.{_FIRST} "
        f"ORDER BY 1 LIMIT {ROWS_SHOWN}"
    ).fetchall()
    return Outcome(failed=True, count=count, rows=tuple(row for (row,) in rows))
