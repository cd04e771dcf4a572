"""SQL over staged records, by DuckDB: on one core and in bounded memory, whatever the number of records.

What does not fit into memory goes to a folder. One thread makes the estimates of a profile the same on every
machine, since they follow the order of the records. Nothing is fetched: extensions are never installed.

SQL is put together here and in the modules beside from names that ``quoted`` has made safe; everything else
that a manifest says travels as a parameter. Called by ``data.checks`` and ``data.profiling``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane.api.dataset import DataColumn
from mlplane.data.staging import ROW

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MEMORY = "128MB"
"""What DuckDB may hold; Python and its libraries need about as much again."""
Condition = Callable[[str], str]
"""From the SQL of a value to SQL that is true or false for it."""


@contextmanager
def records_in(parquet: Path, spill: Path) -> Iterator["DuckDBPyConnection"]:
    """A connection with the view ``records``: the columns of a staged file, named as ``quoted`` names them.

    Args:
        parquet: The staged file.
        spill: Folder for what does not fit into memory.
    """
    import duckdb
    import pyarrow.parquet as pq

    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": MEMORY,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(config=config) as db:
        db.execute("SET TimeZone = 'UTC'")
        db.read_parquet(str(parquet)).create_view("staged")
        columns = ", ".join(map(quoted, pq.read_schema(parquet).names))
        db.execute(f"CREATE TEMP VIEW records ({columns}) AS SELECT * FROM staged")
        yield db


def quoted(name: str) -> str:
    """The name of a column as SQL.

    To DuckDB, ``a`` and ``A`` are one name. So where capitals stand is added to it.
    """
    capitals = "".join("1" if letter.isupper() else "0" for letter in name)
    inner = f"{name}#{capitals}" if "1" in capitals else name
    return '"' + inner.replace('"', '""') + '"'


ROW_NUMBER = quoted(ROW)


def broken_in(column: DataColumn, condition: Condition) -> str:
    """SQL that is true for a record if a condition holds for its value, or for one in its vector.

    Args:
        column: The column that is looked at.
        condition: It must not hold for a missing value.
    """
    if column.width is None:
        return condition(quoted(column.name))
    return f"len(list_filter({quoted(column.name)}, lambda v: {condition('v')})) > 0"


def values_of(column: DataColumn, where: str = "true") -> str:
    """SQL of a table with one column ``x``: the values of a column, those of a vector one below the other.

    A Timestamp is in microseconds since 1970.

    Args:
        column: The column.
        where: SQL that chooses among the records.
    """
    value = quoted(column.name) if column.width is None else f"unnest({quoted(column.name)})"
    return f"(SELECT {number_of(column, 'v')} AS x FROM (SELECT {value} AS v FROM records WHERE {where}))"


def number_of(column: DataColumn, value: str) -> str:
    """SQL of a value as ``values_of`` has it."""
    return f"epoch_us({value})" if column.type == "Timestamp" else value
