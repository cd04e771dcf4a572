r"""What a record is, as bytes, and its digest: the same with every library on every machine.

    record   sha256 of the values of its columns, in their order; a vector is its values, one after another
    value    one byte, 0 or 1 for null, and then, zeros for null:
             Integer, Timestamp   8 bytes, two's complement, little endian; of a Timestamp its microseconds
                                  from 1970-01-01T00:00:00Z
             Number               8 bytes, IEEE 754, little endian; -0.0 is 0.0, and nothing is not finite
             Boolean              1 byte, 0 or 1
             String, Binary       32 bytes: sha256 of its bytes, those of UTF-8
    split    sha256 of a line that names the columns, and of its records' digests, 32 bytes each, in order

Called by ``data.reading``, and by ``steps.versions`` to verify what came out of the store.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mlplane.api.dataset import DataColumn
from mlplane.data.values import flags_of

_Bytes = NDArray[np.uint8]
SIZE = 32
BATCH_ROWS = 16384


def record_digests(batch: pa.RecordBatch, columns: Sequence[DataColumn]) -> _Bytes:
    """The digests of records, ``[rows, 32]``.

    Args:
        batch: Records; it may have more columns than those that count.
        columns: Those that count.
    """
    parts = [_form(batch.column(column.name), column.width or 1) for column in columns]
    form = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return _hashed(memoryview(row) for row in form)


def begun_digest(columns: Sequence[DataColumn]) -> "hashlib._Hash":
    """The hash of a split before its first record; two columns that change their names make another split."""
    named = [[column.name, column.type, column.width or 1] for column in columns]
    return hashlib.sha256(f"mlplane split v2\n{json.dumps(named, separators=(',', ':'))}\n".encode())


def split_digest(path: Path, columns: Sequence[DataColumn]) -> str:
    """The digest ``sha256:<hex>`` of the records of a Parquet file."""
    digest = begun_digest(columns)
    names = [column.name for column in columns]
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            digest.update(record_digests(batch, columns).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _form(array: pa.Array, width: int) -> _Bytes:
    """The bytes of a column, ``[rows, n]``."""
    rows = len(array)
    flat = array.flatten() if pa.types.is_fixed_size_list(array.type) else array
    missing = flat.is_null().to_numpy(zero_copy_only=False)
    values = _value_bytes(flat)
    values[missing] = 0
    form = np.concatenate([missing.astype(np.uint8)[:, None], values], axis=1)
    return form.reshape(rows, width * form.shape[1])


def _value_bytes(flat: pa.Array) -> _Bytes:
    """The bytes of values, ``[values, n]``; anything for null."""
    if pa.types.is_large_string(flat.type) or pa.types.is_large_binary(flat.type):
        return _content_digests(flat)
    if pa.types.is_boolean(flat.type):
        return flags_of(flat).astype(np.uint8)[:, None]
    if pa.types.is_floating(flat.type):
        numbers = (flat.fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0).astype("<f8")
    else:
        numbers = flat.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False).astype("<i8")
    found: _Bytes = numbers.copy().view(np.uint8).reshape(len(flat), 8)
    return found


def _content_digests(flat: pa.Array) -> _Bytes:
    """The digest of each value; of equal values it is worked out once."""
    coded = flat.cast(pa.large_binary()).dictionary_encode()
    digests = _hashed(value.as_buffer() for value in coded.dictionary)
    if not len(digests):
        return np.zeros((len(flat), SIZE), dtype=np.uint8)
    found: _Bytes = digests[coded.indices.fill_null(0).to_numpy(zero_copy_only=False)]
    return found


def _hashed(contents: Iterable[memoryview]) -> _Bytes:
    joined = b"".join(hashlib.sha256(content).digest() for content in contents)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, SIZE)
