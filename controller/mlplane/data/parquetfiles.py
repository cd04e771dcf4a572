"""Parquet: the columns of the spec, by name; other columns of the file are left out.

    Integer     any integer, or a decimal without a fraction
    Number      an integer of at most 2**53 either way, a float or a decimal
    String      string, also as a dictionary
    Boolean     boolean
    Timestamp   a timestamp or a date; without a zone it is UTC, and nothing finer than a microsecond is lost
    Binary      binary, of any or of one length
    a vector    a list of these, as long as the column is wide

Called by ``data.reading``.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import VALUE_TYPES
from mlplane.data.findings import Findings
from mlplane.data.unpacking import PACKED, Budget, RawFile
from mlplane.data.values import Batch, Flags, Values, cast, flags_of
from mlplane.errors import InvalidInput

BATCH_ROWS = 16384
BATCH_BYTES = 32 << 20
READ_BYTES = 1 << 20
"""Of a column that are read at a time: a column of a row group may be as large as the file."""

_is = pa.types
_TAKEN: dict[str, Callable[[pa.DataType], bool]] = {
    "Integer": lambda t: _is.is_integer(t) or _is.is_decimal(t),
    "Number": lambda t: _is.is_integer(t) or _is.is_floating(t) or _is.is_decimal(t),
    "String": lambda t: _is.is_string(t) or _is.is_large_string(t) or _is.is_string_view(t),
    "Boolean": _is.is_boolean,
    "Timestamp": lambda t: _is.is_timestamp(t) or _is.is_date(t),
    "Binary": lambda t: _is.is_binary(t) or _is.is_large_binary(t) or _is.is_fixed_size_binary(t),
}


def read_parquet(
    file: RawFile, columns: Sequence[DataColumn], budget: Budget, findings: Findings
) -> Iterator[Batch]:
    """The records of a file, in order.

    Raises:
        InvalidInput: it is not Parquet, or a column is missing or of another type.
    """
    if file.name.endswith(PACKED):
        raise InvalidInput(f"{file.name}: Parquet is packed in itself; give it without {PACKED}")
    try:
        with pq.ParquetFile(file.path, read_dictionary=_text_leaves(file), buffer_size=READ_BYTES) as opened:
            _check_columns(opened.schema_arrow, columns, file.name)
            batches = opened.iter_batches(BATCH_ROWS, columns=[c.name for c in columns], use_threads=False)
            for large in batches:
                for batch in _within_bounds(large, budget, file.name):
                    yield _batch(batch, columns, findings)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{file.name} cannot be read as Parquet ({type(error).__name__})") from error


def _text_leaves(file: RawFile) -> list[str]:
    """What is read as a dictionary, so that a long value which stands in many rows is in memory once."""
    footer = pq.read_metadata(file.path)
    leaves = (footer.schema.column(index) for index in range(footer.num_columns))
    return [
        leaf.path
        for leaf in leaves
        if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"
    ]


def _check_columns(schema: pa.Schema, columns: Sequence[DataColumn], file: str) -> None:
    for column in columns:
        places = schema.get_all_field_indices(column.name)
        if len(places) != 1:
            found = "no column" if not places else f"{len(places)} columns"
            raise InvalidInput(f"{file} has {found} {column.name}; it has {', '.join(schema.names[:50])}")
        kind = schema.field(places[0]).type
        is_vector = column.width is not None
        value = _plain(kind.value_type if _is_list(kind) else kind)
        if _is_list(kind) != is_vector or not _TAKEN[column.type](value):
            wanted = f"a list of {column.width} values {column.type}" if is_vector else column.type
            shown = f"a list of {value}" if _is_list(kind) else str(value)
            raise InvalidInput(
                f"{file}: column {column.name} is {shown[:100]}, which is not read as {wanted}"
            )


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if _is.is_dictionary(kind) else kind


def _is_list(kind: pa.DataType) -> bool:
    return bool(_is.is_list(kind) or _is.is_large_list(kind) or _is.is_fixed_size_list(kind))


def _within_bounds(batch: pa.RecordBatch, budget: Budget, file: str) -> Iterator[pa.RecordBatch]:
    """The batch in parts that may be unfolded; a value counts as often as it stands in the batch."""
    size = sum(_unfolded_size(array) for array in batch.columns)
    budget.spend(size, file)
    if size <= BATCH_BYTES or batch.num_rows == 1:
        yield batch
        return
    part = max(1, batch.num_rows * BATCH_BYTES // size)
    for start in range(0, batch.num_rows, part):
        yield batch.slice(start, part)


def _unfolded_size(array: pa.Array) -> int:
    if _is_list(array.type):
        return _unfolded_size(array.flatten())
    if not _is.is_dictionary(array.type):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary).cast(pa.int64())
    return int(pc.sum(lengths.take(array.indices)).as_py() or 0) + 8 * len(array)


def _batch(batch: pa.RecordBatch, columns: Sequence[DataColumn], findings: Findings) -> Batch:
    found = [_column(batch.column(column.name), column) for column in columns]
    return Batch(findings.number(batch.num_rows), found)


def _column(array: pa.Array, column: DataColumn) -> Values:
    if column.width is None:
        return _values(array, column.type)
    flat, short = _flattened(array, column.width)
    values = _values(flat, column.type)
    return Values(values.array, values.bad, short if short.any() else None)


def _flattened(array: pa.Array, width: int) -> tuple[pa.Array, Flags]:
    """The values of lists side by side, null for those of a list that is missing or has another length."""
    lists = array.cast(pa.large_list(array.type.value_type))
    lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
    starts = lists.offsets.to_numpy()[:-1]
    sound = lengths == width
    places = (starts[:, None] + np.arange(width)).ravel()
    flat = lists.values.take(pa.array(places, pa.int64(), mask=~np.repeat(sound, width)))
    return flat, (lengths != width) & flags_of(lists.is_valid())


def _values(array: pa.Array, kind: str) -> Values:
    if _is.is_dictionary(array.type):
        array = array.dictionary_decode()
    if kind == "String":
        # Nobody has looked yet whether these bytes are UTF-8: a cast does.
        array = array.cast(pa.large_utf8()).view(pa.large_binary())
    if kind == "Number" and _is.is_decimal(array.type):
        # Straight to a float, Arrow multiplies and rounds twice; its reader of text finds the nearest one.
        array = array.cast(pa.large_utf8())
    if _is.is_date(array.type):
        array = array.cast(pa.timestamp("ms"))
    return cast(array, VALUE_TYPES[kind])
