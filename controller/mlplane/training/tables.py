"""Arrays from the Parquet file of a split: one for each column, by name.

    Integer     int64; float64 with NaN, if values may be missing
    Number      float32, NaN where a value is missing
    Boolean     bool; float32 with NaN, if values may be missing
    String      objects: str, or None
    Binary      objects: bytes, or None
    Timestamp   datetime64[us] in UTC, NaT where a value is missing
    a vector    [rows, width]; float32 also for Integer

Called by ``training.data`` for a whole split and by ``steps.evaluate`` batch by batch.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplane.api.dataset import DataColumn

if TYPE_CHECKING:
    import numpy
    import pyarrow

Arrays = dict[str, "numpy.ndarray[Any, Any]"]


def read_batches(path: Path, columns: Sequence[DataColumn], size: int) -> Iterator[Arrays]:
    """The rows of a split's file in order, at most ``size`` of them at a time."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(size, columns=[column.name for column in columns], use_threads=False):
            yield {column.name: _array(batch.column(column.name), column) for column in columns}


def read_arrays(path: Path, columns: Sequence[DataColumn]) -> Arrays:
    """All rows of a split's file; arrays of length 0 where it has none."""
    table = read_table(path, columns).combine_chunks()
    return {column.name: _array(table.column(column.name).combine_chunks(), column) for column in columns}


def read_table(path: Path, columns: Sequence[DataColumn]) -> "pyarrow.Table":
    """All rows of a split's file as an Arrow table."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read(columns=[column.name for column in columns])


def _array(values: "pyarrow.Array", column: DataColumn) -> "numpy.ndarray[Any, Any]":
    """A writable array; the caller may do with it what it wants."""
    import numpy as np

    flat = values.flatten() if column.width is not None else values
    if column.type == "Timestamp":
        flat = flat.cast("int64").view("timestamp[us]")
    array = np.array(flat.to_numpy(zero_copy_only=False))
    if kind := _number_type(column):
        array = array.astype(kind)
    return array if column.width is None else array.reshape(-1, column.width)


def _number_type(column: DataColumn) -> str | None:
    """What numpy calls the type of a column of numbers or flags; None if it holds neither."""
    may_miss = column.nulls == "Allowed"
    match column.type:
        case "Number":
            return "float32"
        case "Boolean":
            return "float32" if may_miss else "bool"
        case "Integer" if column.width is not None:
            return "float32"
        case "Integer":
            return "float64" if may_miss else "int64"
    return None
