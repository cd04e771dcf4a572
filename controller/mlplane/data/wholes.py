"""Rules of all records together: how many there are, and how old the newest is. Called by ``data.checks``.

No single record breaks them, so none are counted.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from mlplane.api.datacheck import RowsCheck
from mlplane.data.outcomes import Outcome, shown
from mlplane.data.query import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def number_of_rows(check: RowsCheck, rows: int) -> Outcome:
    """Whether there are enough records, and not too many."""
    low = check.min or 0
    high = rows if check.max is None else check.max
    return Outcome(failed=not low <= rows <= high, measured=str(rows))


def phrase_of_rows(check: RowsCheck) -> str:
    """What ``number_of_rows`` asks for."""
    parts = [
        f"{word} {bound}"
        for word, bound in (("at least", check.min), ("at most", check.max))
        if bound is not None
    ]
    return f"number of records {' and '.join(parts)}"


def age(db: "DuckDBPyConnection", column: str, max_age: str, now: datetime) -> Outcome:
    """Whether the newest value of a column is new enough.

    Args:
        db: A connection with the view ``records``.
        column: A column of the type Timestamp.
        max_age: Minutes, hours or days, such as ``36h``.
        now: When the data were read.
    """
    (newest,) = db.execute(f"SELECT epoch_us(max({quoted(column)})) FROM records").fetchall()[0]
    if newest is None:
        return Outcome(failed=True, measured="no value")
    unit = Decimal(_UNITS[max_age[-1]] // _MICROSECOND)
    found = ((now - _EPOCH) // _MICROSECOND - Decimal(newest)) / unit
    limit = Decimal(max_age[:-1])
    return Outcome(failed=found > limit, measured=f"{shown(found, limit, digits=1)}{max_age[-1]}")
