"""Raw files as streams, unpacked where their name ends in ``.gz``, within the bounds of the source.

Called by the readers of the formats.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from mlplane.errors import InvalidInput

PACKED = ".gz"
MAX_RECORD = 16 << 20
"""Bytes of a record as text."""


class RawFile(NamedTuple):
    """One of the raw files of a dataset."""

    path: Path
    name: str
    """As it stands in messages, and as it decides whether the file is packed."""


class Budget:
    """How many bytes may be unpacked, over all files of a dataset."""

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit

    def spend(self, count: int, file: str) -> None:
        """Take bytes from what is left.

        Raises:
            InvalidInput: there are not so many left.
        """
        self._left -= count
        if self._left < 0:
            raise InvalidInput(
                f"{file} unpacks to more than is allowed: the source may have {self._limit} bytes in all;"
                " set spec.source.maxSize if it should be so large"
            )


class Lines:
    """The lines of a text file, and how many bytes of them were taken since ``taken`` was last set to 0."""

    def __init__(self, stream: BinaryIO, file: str, budget: Budget) -> None:
        self._stream = stream
        self._file = file
        self._budget = budget
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        """Each line with its end.

        Raises:
            InvalidInput: a line is not UTF-8, or a record is too long.
        """
        encoding, number = "utf-8-sig", 0
        while line := self._stream.readline(MAX_RECORD + 1):
            number += 1
            self.taken += len(line)
            if self.taken > MAX_RECORD:
                raise InvalidInput(
                    f"{self._file} has a record of more than {MAX_RECORD} bytes at line {number}"
                )
            self._budget.spend(len(line), self._file)
            try:
                yield line.decode(encoding)
            except UnicodeDecodeError as error:
                raise InvalidInput(f"{self._file} is not UTF-8 text: line {number}") from error
            encoding = "utf-8"


@contextmanager
def opened(file: RawFile) -> Iterator[BinaryIO]:
    """A raw file as a stream of the bytes that are meant.

    Raises:
        InvalidInput: it is not packed as its name says.
    """
    try:
        packed = file.name.endswith(PACKED)
        with gzip.open(file.path, "rb") if packed else file.path.open("rb") as stream:
            yield cast("BinaryIO", stream)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InvalidInput(f"{file.name} cannot be unpacked: it is not a whole gzip file") from error
