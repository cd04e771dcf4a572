"""The records of a CSV: read in a stream, checked against the columns, and assigned to splits.

Called by ``steps.ingest``, and by ``training.outside`` where a script runs without mlplane.
"""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from mlplane.api.dataset import DataColumn, DatasetSpec
from mlplane.errors import InvalidInput
from mlplane.training.canonical import canonicaliser, field_names, splitter
from mlplane.training.checks import Checks

MAX_LINE = 16 << 20
"""Bytes of a line."""
MAX_EXPANSION = 200
"""How many times its packed size a source may unpack to; numbers as text pack about tenfold."""
FREE_EXPANSION = 64 << 20
"""Bytes that any source may unpack to."""


class Record(NamedTuple):
    """A record that passed the checks."""

    text: str
    """Canonical form, without a line end."""
    split: str


def read_records(path: Path, spec: DatasetSpec) -> Iterator[Record]:
    """The records of a file, in order; none any more after the first failed check.

    Args:
        path: The raw bytes; they are unpacked if the name of the source ends in ``.gz``.
        spec: Format, columns and splits.

    Raises:
        InvalidInput: at the end, if a record failed a check: names column, rule, count and first rows, never
            a value. At once, if the file is not what the spec says it is.
    """
    checks = Checks()
    split_of = splitter(spec.splits)
    canonical = canonicaliser(spec.columns, checks)
    rows = _rows(path, spec.source.git.path)
    if spec.header == "Present":
        _check_header(next(rows, []), spec.columns)
    count = 0
    for count, row in enumerate(rows, start=1):
        text = canonical(count, row)
        if text is not None and not checks.failed:
            yield Record(text, split_of(text))
    checks.raise_if_failed(spec.source.git.path, count)
    if count == 0:
        raise InvalidInput(f"{spec.source.git.path} holds no record")


def _check_header(header: Sequence[str], columns: Sequence[DataColumn]) -> None:
    """The header must have a name for each value, those of single values the columns' own, and no numbers."""
    names = field_names(columns)
    if len(header) != len(names):
        raise InvalidInput(f"the header has {len(header)} names; spec.columns have {len(names)} values")
    singles = {column.name for column in columns if column.width is None}
    for position, (found, name) in enumerate(zip(header, names, strict=True), start=1):
        if _is_number(found):
            raise InvalidInput(
                f"the header has a number at position {position}; is spec.header: Absent meant?"
            )
        if name in singles and found.strip() != name:
            raise InvalidInput(f"the header does not name column {name} at position {position}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _rows(path: Path, source: str) -> Iterator[list[str]]:
    """The fields of each line that is not empty."""
    packed = source.endswith(".gz")
    limit = max(FREE_EXPANSION, MAX_EXPANSION * path.stat().st_size) if packed else None
    try:
        with gzip.open(path, "rb") if packed else path.open("rb") as stream:
            yield from filter(None, csv.reader(_lines(cast("BinaryIO", stream), source, limit)))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(f"{source} cannot be unpacked: it is not a whole gzip file") from error
    except csv.Error as error:
        raise InvalidInput(f"{source} is not CSV: {error}") from error


def _lines(stream: BinaryIO, source: str, limit: int | None) -> Iterator[str]:
    """Lines as text. What is not UTF-8 becomes a replacement character, which no check lets pass."""
    size = 0
    encoding = "utf-8-sig"
    while line := stream.readline(MAX_LINE):
        size += len(line)
        if len(line) == MAX_LINE:
            raise InvalidInput(f"{source} has a line of {MAX_LINE} bytes or more; it is not CSV")
        if limit is not None and size > limit:
            raise InvalidInput(f"{source} unpacks to more than {limit} bytes; commit it unpacked")
        yield line.decode(encoding, errors="replace")
        encoding = "utf-8"
