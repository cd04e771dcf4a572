"""Arrays from the CSV of a split: one for each column, by name.

A single Integer is int64, a single Number float32, a vector ``[rows, width]`` float32.
Called by ``training.data`` for a whole split and by ``steps.evaluate`` batch by batch.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlplane.api.dataset import DataColumn
from mlplane.training.canonical import field_names

if TYPE_CHECKING:
    import numpy

Arrays = dict[str, "numpy.ndarray[Any, Any]"]


def header_of(columns: Sequence[DataColumn]) -> str:
    """The first line of a split's file, with its line end."""
    return ",".join(field_names(columns)) + "\n"


def read_batches(path: Path, columns: Sequence[DataColumn], size: int) -> Iterator[Arrays]:
    """The rows of a split's file in order, at most ``size`` of them at a time."""
    import numpy as np

    types = np.dtype([_field(column) for column in columns])
    with path.open(encoding="ascii") as lines:
        next(lines, None)
        while batch := list(islice(lines, size)):
            table = np.loadtxt(batch, dtype=types, delimiter=",", ndmin=1)
            yield {column.name: np.ascontiguousarray(table[column.name]) for column in columns}


def read_arrays(path: Path, columns: Sequence[DataColumn]) -> Arrays:
    """All rows of a split's file; arrays of length 0 where it has none."""
    import numpy as np

    batches = list(read_batches(path, columns, 65536))
    if not batches:
        empty = np.empty(0, dtype=[_field(column) for column in columns])
        return {column.name: empty[column.name] for column in columns}
    return {column.name: np.concatenate([batch[column.name] for batch in batches]) for column in columns}


def _field(column: DataColumn) -> tuple[str, str, tuple[int, ...]]:
    if column.width is not None:
        return column.name, "<f4", (column.width,)
    return column.name, "<i8" if column.type == "Integer" else "<f4", ()
