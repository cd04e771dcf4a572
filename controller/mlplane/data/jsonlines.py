"""JSON Lines: one object on each line; fields that are no columns are left out. Empty lines are no records.

An Integer is written without a point, Binary as base64, a Timestamp as CSV has it. A field that is not
there is a missing value, like null. Called by ``data.reading``.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import VALUE_TYPES
from mlplane.data.csvfiles import BATCH_BYTES, BATCH_ROWS
from mlplane.data.findings import Findings
from mlplane.data.texts import decode, parse_form
from mlplane.data.unpacking import Budget, Lines, RawFile, opened
from mlplane.data.values import Batch, Values, marked
from mlplane.errors import InvalidInput

_PYTHON_TYPES: dict[str, frozenset[type]] = {
    "Integer": frozenset({int}),
    "Number": frozenset({float, int}),
    "Boolean": frozenset({bool}),
    "String": frozenset({str}),
    "Timestamp": frozenset({str}),
    "Binary": frozenset({str}),
}
_AS_TEXT: dict[str, Callable[[pa.Array], Values]] = {
    "Timestamp": lambda texts: parse_form(texts, "Timestamp"),
    "Binary": decode,
}
_INT64 = range(-(2**63), 2**63)


def read_json_lines(
    file: RawFile, columns: Sequence[DataColumn], budget: Budget, findings: Findings
) -> Iterator[Batch]:
    """The records of a file, in order.

    Raises:
        InvalidInput: a line is not a JSON object, or names a field twice.
    """
    with opened(file) as stream:
        for records in _batches(Lines(stream, file.name, budget), file.name):
            found = [_column([record.get(c.name) for record in records], c) for c in columns]
            yield Batch(findings.number(len(records)), found)


def _batches(lines: Lines, file: str) -> Iterator[list[dict[str, Any]]]:
    decoder = json.JSONDecoder(object_pairs_hook=_without_repetition, parse_constant=_refused)
    records: list[dict[str, Any]] = []
    size = 0
    for number, line in enumerate(lines, start=1):
        size += lines.taken
        lines.taken = 0
        if line.strip():
            records.append(_record(decoder, line, f"{file} line {number}"))
            if len(records) >= BATCH_ROWS or size > BATCH_BYTES:
                yield records
                records, size = [], 0
    if records:
        yield records


def _record(decoder: json.JSONDecoder, line: str, where: str) -> dict[str, Any]:
    try:
        record = decoder.decode(line)
    except json.JSONDecodeError as error:
        raise InvalidInput(f"{where} is not JSON: {error.msg} at column {error.colno}") from error
    except _Repeated as error:
        raise InvalidInput(f"{where} has an object that names a field twice") from error
    except ValueError as error:
        raise InvalidInput(f"{where} has a number that no JSON reader takes") from error
    except RecursionError as error:
        raise InvalidInput(f"{where} is nested too deeply") from error
    if not isinstance(record, dict):
        raise InvalidInput(f"{where} is not a JSON object; each line must be one")
    return record


class _Repeated(Exception):
    """An object names a field twice."""


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Repeated
    return found


def _refused(constant: str) -> float:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


def _column(found: list[Any], column: DataColumn) -> Values:
    if column.width is None:
        return _values(found, column.type)
    width = column.width
    short = [value is not None and not (isinstance(value, list) and len(value) == width) for value in found]
    rows = [[None] * width if bad or row is None else row for row, bad in zip(found, short, strict=True)]
    values = _values(list(chain.from_iterable(rows)), column.type)
    return Values(values.array, values.bad, np.array(short, dtype=np.bool_) if any(short) else None)


def _values(found: list[Any], kind: str) -> Values:
    """Flat values: tried all at once, and one by one only where some do not fit."""
    target = pa.large_utf8() if kind in _AS_TEXT else VALUE_TYPES[kind]
    bad = np.zeros(len(found), dtype=np.bool_)
    try:
        if not (_PYTHON_TYPES[kind] | {type(None)}).issuperset(map(type, found)):
            raise TypeError
        array = pa.array(found, target)
    except (TypeError, OverflowError, UnicodeEncodeError, pa.ArrowInvalid):
        fitted = [_fitted(value, kind) for value in found]
        bad = np.array(
            [a is not None and b is None for a, b in zip(found, fitted, strict=True)], dtype=np.bool_
        )
        array = pa.array(fitted, target)
    if kind not in _AS_TEXT:
        return marked(Values(array, bad))
    parsed = _AS_TEXT[kind](array)
    return Values(parsed.array, parsed.bad | bad)


def _fitted(value: Any, kind: str) -> Any:
    """The value as Arrow can hold it: of 64 bits, text without half a surrogate pair; None if it cannot."""
    if type(value) not in _PYTHON_TYPES[kind]:
        return None
    try:
        if kind == "Integer":
            return value if value in _INT64 else None
        if kind == "Number":
            return float(value)
        return value if not isinstance(value, str) or value.encode() is not None else None
    except (OverflowError, UnicodeEncodeError):
        return None
