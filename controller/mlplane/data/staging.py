"""Records between reading and storing: one Parquet file, and what reading has found.

``data.reading`` writes it, ``data.checks`` and ``data.profiling`` look at it, ``data.versionfiles`` divides
it into the files of a version. Beside the columns of the dataset (``data.arrowtypes.schema_of``) it has
three of its own, whose names no column of a dataset can have:

    #row      int64            number of the record, from 1 over all raw files in the order of their paths
    #split    int8             index of the split that takes it, in the order of the spec
    #digest   binary(32)       sha256 of its values (``data.digests``)

Records that have the wrong number of fields, and those that ``sample`` leaves out, are not in it, so
``#row`` may have gaps. A value that does not fit the type of its column is null in it and counts in a
finding ``type``. A vector is a fixed-size list, which itself is never null: its values may be.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mlplane.api.dataset import DataColumn

ROW = "#row"
SPLIT = "#split"
DIGEST = "#digest"
OWN = (ROW, SPLIT, DIGEST)
Rule = Literal["fields", "type", "nulls", "split"]


@dataclass(frozen=True)
class Finding:
    """Records that break a rule of reading; each rule and column stands at most once."""

    rule: Rule
    """fields: wrong number of them, or of values in a vector. type: a value does not fit. nulls: a value is
    missing that may not be. split: no split takes the record."""
    column: str | None
    """None for the rule ``fields`` of a whole record."""
    text: str
    """What had to hold, such as ``Integer of 64 bits``; without values of the data."""
    count: int
    """Number of records."""
    rows: tuple[int, ...]
    """The first of them, at most 10."""

    def sentence(self, records: int) -> str:
        """What was found, for a person.

        Args:
            records: How many were read.
        """
        where = f"column {self.column}: " if self.column else ""
        more = ", …" if self.count > len(self.rows) else ""
        first = ", ".join(map(str, self.rows))
        return f"{where}{self.text} is broken by {self.count} of {records} records (rows {first}{more})"


@dataclass(frozen=True)
class Staged:
    """What was read."""

    path: Path
    """A Parquet file."""
    columns: tuple[DataColumn, ...]
    read: int
    """Number of records that were read, also of those that were left out."""
    rows: int
    """Number of records in the file."""
    findings: tuple[Finding, ...]
    """A version is made only if there is none."""
