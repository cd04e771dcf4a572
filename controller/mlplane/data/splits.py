"""Which split takes a record, and whether a sample has it. Pure: the same record, the same answer.

What decides by hash is the digest of the record, or of the column that keeps records together: its first 8
bytes (big endian) modulo 100 choose the split, the next 8 modulo 100 the sample, so that neither knows of the
other.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mlplane.api.dataset import DataColumn, DatasetSpec, SplitSpec
from mlplane.data.digests import record_digests
from mlplane.data.texts import parse_form
from mlplane.data.values import flags_of

Indices = NDArray[np.int8]
NONE = -1
"""No split takes the record."""


def deciding_digests(
    batch: pa.RecordBatch, digests: NDArray[np.uint8], columns: Sequence[DataColumn], spec: DatasetSpec
) -> NDArray[np.uint8]:
    """What decides by hash: the digests of the records, or of the column that keeps them together."""
    by = spec.split_by
    if by is None or by.method != "Hash" or by.column is None:
        return digests
    return record_digests(batch, [column for column in columns if column.name == by.column])


def in_sample(digests: NDArray[np.uint8], percent: int) -> NDArray[np.bool_]:
    """Which records a sample has."""
    return _bucket(digests, 8) < percent


def split_indices(batch: pa.RecordBatch, deciding: NDArray[np.uint8], spec: DatasetSpec) -> Indices:
    """The index of the first split that takes each record, in the order of the spec; -1 if none does."""
    by = spec.split_by
    if by is None or by.method == "Hash":
        ends = np.cumsum([split.percent or 0 for split in spec.splits])
        return np.searchsorted(ends, _bucket(deciding, 0), side="right").astype(np.int8)
    assert by.column is not None  # noqa: S101
    taken = _before if by.method == "Time" else _among
    return _first(batch.column(by.column), spec.splits, taken)


def _bucket(digests: NDArray[np.uint8], start: int) -> NDArray[np.int64]:
    words = np.ascontiguousarray(digests[:, start : start + 8]).view(">u8").ravel()
    return (words % np.uint64(100)).astype(np.int64)


def _first(
    values: pa.Array, splits: Sequence[SplitSpec], taken: Callable[[pa.Array, SplitSpec], NDArray[np.bool_]]
) -> Indices:
    found = np.full(len(values), NONE, dtype=np.int8)
    for index, split in reversed(list(enumerate(splits))):
        found[taken(values, split)] = index
    return found


def _before(values: pa.Array, split: SplitSpec) -> NDArray[np.bool_]:
    """Time: what is earlier; everything, if no time is given."""
    if split.until is None:
        return np.ones(len(values), dtype=np.bool_)
    until = parse_form(pa.array([split.until], pa.large_utf8()), "Timestamp").array
    return flags_of(pc.less(values, until[0]))


def _among(values: pa.Array, split: SplitSpec) -> NDArray[np.bool_]:
    """Column: what has one of the values; everything, if none is given."""
    if not split.values:
        return np.ones(len(values), dtype=np.bool_)
    return flags_of(pc.is_in(values.cast(pa.large_utf8()), pa.array(split.values, pa.large_utf8())))
