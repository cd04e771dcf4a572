"""CSV (RFC 4180): records out of a file, batch by batch. Empty lines are no records.

Called by ``data.reading``.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa

from mlplane.api.dataset import DataColumn
from mlplane.data.findings import Findings
from mlplane.data.texts import parse
from mlplane.data.unpacking import MAX_RECORD, Budget, Lines, RawFile, opened
from mlplane.data.values import Batch
from mlplane.errors import InvalidInput

BATCH_ROWS = 16384
BATCH_BYTES = 8 << 20
"""Of text; as Python objects it may be twenty times as much."""

Rows = list[list[str]]


def read_csv(
    file: RawFile, columns: Sequence[DataColumn], header: str | None, budget: Budget, findings: Findings
) -> Iterator[Batch]:
    """The records of a file, in order.

    Args:
        file: The raw file.
        columns: What a record has; a vector is as many fields as it is wide.
        header: ``Present`` if the first line names the columns.
        budget: What may be unpacked.
        findings: Told of records that have another number of fields; they are left out.

    Raises:
        InvalidInput: it is not CSV, or its header does not fit.
    """
    csv.field_size_limit(max(csv.field_size_limit(), MAX_RECORD))
    fields = sum(column.width or 1 for column in columns)
    with opened(file) as stream:
        batches = _batches(Lines(stream, file.name, budget), file.name)
        if header == "Present":
            check_header(next(batches, [[]])[0], columns, file.name)
        for rows in batches:
            numbers = findings.number(len(rows))
            wrong = np.fromiter(map(len, rows), np.int64, len(rows)) != fields
            if wrong.any():
                findings.note("fields", None, f"{fields} fields in a record", numbers[wrong])
                rows = [row for row in rows if len(row) == fields]  # noqa: PLW2901
            if rows:
                yield Batch(numbers[~wrong], [parse(texts, c) for texts, c in _columns(rows, columns)])


def check_header(header: Sequence[str], columns: Sequence[DataColumn], file: str) -> None:
    """The header must have a name for each field, those of single values the columns' own, and no numbers.

    Raises:
        InvalidInput: it has not.
    """
    names = field_names(columns)
    if len(header) != len(names):
        raise InvalidInput(
            f"{file}: the header has {len(header)} names; spec.columns have {len(names)} fields"
        )
    singles = {column.name for column in columns if column.width is None}
    for position, (found, name) in enumerate(zip(header, names, strict=True), start=1):
        if found.strip() != name and _is_number(found):
            raise InvalidInput(
                f"{file}: the header has a number at position {position}; is spec.header: Absent meant?"
            )
        if name in singles and found.strip() != name:
            raise InvalidInput(f"{file}: the header does not name column {name} at position {position}")


def field_names(columns: Iterable[DataColumn]) -> list[str]:
    """One name for each field of a record: its column's, with ``_0``, ``_1``, … for those of a vector."""
    return [
        column.name if column.width is None else f"{column.name}_{index}"
        for column in columns
        for index in range(column.width or 1)
    ]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _batches(lines: Lines, file: str) -> Iterator[Rows]:
    """The first line that is not empty alone, for it may be a header; then as many as fit into a batch."""
    rows: Rows = []
    size = limit = 0
    try:
        for row in csv.reader(lines, strict=True):
            size += lines.taken
            lines.taken = 0
            if row:
                rows.append(row)
                if len(rows) >= limit or size > BATCH_BYTES:
                    yield rows
                    rows, size, limit = [], 0, BATCH_ROWS
    except csv.Error as error:
        raise InvalidInput(f"{file} is not CSV: {error}") from error
    if rows:
        yield rows


def _columns(rows: Rows, columns: Sequence[DataColumn]) -> Iterator[tuple[pa.Array, DataColumn]]:
    """The flat texts of each column."""
    start = 0
    for column in columns:
        if column.width is None:
            texts = [row[start] for row in rows]
        else:
            end = start + column.width
            texts = list(chain.from_iterable(row[start:end] for row in rows))
        yield pa.array(texts, pa.large_utf8()), column
        start += column.width or 1
