"""Raw files become records in one staged file, in bounded memory. What is wrong with them becomes findings.

Called by ``steps.ingest``, and by ``training.outside`` where a script runs without mlplane.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mlplane.api.dataset import DataColumn, DatasetSpec
from mlplane.data.arrowtypes import STAGING_FIELDS, schema_of, type_of
from mlplane.data.csvfiles import read_csv
from mlplane.data.digests import SIZE, record_digests
from mlplane.data.findings import Findings
from mlplane.data.folders import read_files, read_images
from mlplane.data.jsonlines import read_json_lines
from mlplane.data.layout import columns_of
from mlplane.data.parquetfiles import read_parquet
from mlplane.data.rawfiles import RawFiles
from mlplane.data.splits import NONE, deciding_digests, in_sample, split_indices
from mlplane.data.staging import Staged
from mlplane.data.unpacking import Budget, RawFile
from mlplane.data.values import Batch, Values, flags_of
from mlplane.errors import InvalidInput

_LEFT_OUT = (".", "_")
"""Beginnings of names that other programs give to what is no data, such as ``_SUCCESS``."""


def stage(raw: RawFiles, spec: DatasetSpec, limit: int, path: Path) -> Staged:
    """Read all records into a Parquet file.

    Args:
        raw: The files.
        spec: Format, columns, sample and splits; sound by ``data.specproblems``.
        limit: Most bytes that may be unpacked.
        path: The file to write.

    Raises:
        InvalidInput: a file cannot be read as its format, holds too much, or there is no record.
    """
    columns = columns_of(spec)
    findings = Findings()
    schema = pa.schema([*schema_of(columns), *STAGING_FIELDS])
    rows = 0
    with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False) as writer:
        for batch in _batches(raw, spec, columns, Budget(limit), findings):
            staged = _staged(batch, columns, spec, findings, schema)
            writer.write_batch(staged)
            rows += staged.num_rows
    if findings.records == 0:
        raise InvalidInput("the source holds no record")
    return Staged(path, columns, findings.records, rows, findings.all())


def _batches(
    raw: RawFiles, spec: DatasetSpec, columns: Sequence[DataColumn], budget: Budget, findings: Findings
) -> Iterator[Batch]:
    files = [RawFile(raw.path_of(entry), entry.path) for entry in raw.entries]
    if spec.format == "ImageFolder":
        yield from read_images(files, findings)
    elif spec.format == "Files":
        yield from read_files(files, findings)
    else:
        for file in files:
            if len(files) == 1 or not file.path.name.startswith(_LEFT_OUT):
                yield from _records(file, spec, columns, budget, findings)


def _records(
    file: RawFile, spec: DatasetSpec, columns: Sequence[DataColumn], budget: Budget, findings: Findings
) -> Iterator[Batch]:
    match spec.format:
        case "CSV":
            return read_csv(file, columns, spec.header, budget, findings)
        case "JSONL":
            return read_json_lines(file, columns, budget, findings)
        case _:
            return read_parquet(file, columns, budget, findings)


def _staged(
    batch: Batch, columns: Sequence[DataColumn], spec: DatasetSpec, findings: Findings, schema: pa.Schema
) -> pa.RecordBatch:
    """A batch with row number, split and digest of each record; only those of the sample."""
    arrays = [_column(batch, values, c, findings) for values, c in zip(batch.columns, columns, strict=True)]
    records = pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))
    digests = record_digests(records, columns)
    deciding = deciding_digests(records, digests, columns, spec)
    splits = split_indices(records, deciding, spec)
    if spec.split_by is not None and spec.split_by.column is not None:
        there = flags_of(records.column(spec.split_by.column).is_valid())
        text = "a value that one of spec.splits takes"
        findings.note("split", spec.split_by.column, text, batch.rows[(splits == NONE) & there])
    own = [pa.array(batch.rows), pa.array(splits), _fixed(digests)]
    staged = pa.RecordBatch.from_arrays([*arrays, *own], schema=schema)
    if spec.sample is None:
        return staged
    return staged.filter(pa.array(in_sample(deciding, spec.sample.percent)))


def _column(batch: Batch, values: Values, column: DataColumn, findings: Findings) -> pa.Array:
    """The array of a column; what does not fit and what is missing is told."""
    width = column.width or 1
    bad = values.bad.reshape(-1, width)
    missing = values.array.is_null().to_numpy(zero_copy_only=False).reshape(-1, width) & ~bad
    if values.short is not None:
        findings.note("fields", column.name, f"a vector of {width} values", batch.rows[values.short])
        missing[values.short] = False
    findings.note("type", column.name, _TYPES[column.type], batch.rows[bad.any(axis=1)])
    if column.nulls != "Allowed":
        findings.note("nulls", column.name, "no missing values", batch.rows[missing.any(axis=1)])
    if column.width is None:
        return values.array
    return pa.FixedSizeListArray.from_arrays(values.array, type=type_of(column))


def _fixed(digests: NDArray[np.uint8]) -> pa.Array:
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(SIZE), len(digests), [None, pa.py_buffer(np.ascontiguousarray(digests))]
    )


_TYPES = {
    "Integer": "Integer: a whole number of 64 bits",
    "Number": "Number: a finite number",
    "String": "String: text in UTF-8",
    "Boolean": "Boolean: true or false",
    "Timestamp": "Timestamp: a day or a moment, to the microsecond",
    "Binary": "Binary: bytes, as base64 in text",
}
