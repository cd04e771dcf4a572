"""Unpacking an archive as if an enemy had made it: plain files, below the folder, once, bounded.

Nothing of an archive but names and bytes is used: no modes, owners, times, links or devices. The standard
library reads the formats; what may become of what it reads is decided here and in ``writing``.
"""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

from mlplane.data.rawfiles import RawFiles
from mlplane.errors import InvalidInput
from mlplane.steps.sources.found import MAX_FILES, Found
from mlplane.steps.sources.writing import Writing
from mlplane.store.digest import CHUNK

_PACKED_TARS = (".tar.gz", ".tgz")
MAX_RATIO = 200
"""Bytes that a packed byte may become; text and numbers stay below 50."""
_RATIO_FROM = 16 << 20
"""Bytes below which the ratio does not matter."""
_LARGEST_HEADER = 1 << 20
"""Bytes of a tar header; the library holds one in memory."""
_LARGEST_LIST = 32 << 20
"""Bytes of the list at the end of a zip, some 300 for each file; the library holds it in memory, and more."""


def unpack(archive: Path, name: str, directory: Path, max_bytes: int) -> RawFiles:
    """Write the files of an archive to an empty directory.

    Args:
        archive: The file.
        name: Its name, which says what it is.
        directory: Where to.
        max_bytes: Most bytes of all files together.

    Raises:
        InvalidInput: it is damaged, or has something in it that is refused.
    """
    writing = Writing(directory, _most(archive, max_bytes))
    read = _zip_files if name.lower().endswith(".zip") else _tar_files
    try:
        with _plain(archive, name.lower(), writing.max_bytes) as stream:
            for file in read(stream):
                writing.add(file)
    except _DAMAGED as error:
        raise InvalidInput(f"{name} is damaged, or is not what its name says: {str(error)[:200]}") from error
    except InvalidInput as error:
        raise InvalidInput(f"{name}: {error}") from error
    raw = writing.done()
    if not raw.entries:
        raise InvalidInput(f"{name} has no files in it")
    return raw


_DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)
"""What the standard library raises for bytes that it cannot read."""


def _most(archive: Path, max_bytes: int) -> int:
    return min(max_bytes, max(_RATIO_FROM, archive.stat().st_size * MAX_RATIO))


def _plain(archive: Path, name: str, limit: int) -> IO[bytes]:
    """The archive, without the gzip around it: unpacked first, so that nobody seeks in what is packed."""
    if not name.endswith(_PACKED_TARS):
        return archive.open("rb")
    plain = archive.with_suffix(".tar")
    with gzip.open(archive, "rb") as source, plain.open("wb") as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
            if target.tell() > limit:
                raise InvalidInput(f"it becomes more than {limit} bytes; {_ADVICE}")
    return plain.open("rb")


_ADVICE = "raise spec.source.maxSize if these are no tricks (at most 200 bytes for a packed one)"


def _zip_files(stream: IO[bytes]) -> Iterator[Found]:
    with zipfile.ZipFile(cast("BinaryIO", _Headers(stream, _LARGEST_LIST))) as archive:
        infos = archive.infolist()
        if len(infos) > MAX_FILES:
            raise InvalidInput(f"it has {len(infos)} entries; {MAX_FILES} are allowed")
        for info in infos:
            _check_zip(info)
        for info in infos:
            if not info.is_dir():
                yield Found(info.orig_filename, info.file_size, partial(_member, archive, info))


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    return _chunks(archive.open(info))


def _check_zip(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename[:200]
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InvalidInput(f"{name!r} is a link or a special file; only plain files are unpacked")
    if info.flag_bits & 0x1:
        raise InvalidInput(f"{name!r} is encrypted; pack it without a password")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidInput(f"{name!r} is packed by method {info.compress_type}; only deflate is unpacked")


def _tar_files(stream: IO[bytes]) -> Iterator[Found]:
    headers = cast("BinaryIO", _Headers(stream, _LARGEST_HEADER))
    with tarfile.open(fileobj=headers, mode="r:", encoding="utf-8") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_FILES:
                raise InvalidInput(f"it has more than {MAX_FILES} entries")
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                raise InvalidInput(
                    f"{member.name[:200]!r} is a link or a special file; only plain files are unpacked"
                )
            source = archive.extractfile(member)
            assert source is not None  # noqa: S101 it is a plain file
            yield Found(member.name, member.size, partial(_chunks, source))


class _Headers:
    """An archive as a stream that gives no more at a time than a header may have."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self._stream, self._most = stream, most
        self.seek, self.tell, self.close = stream.seek, stream.tell, stream.close
        self.seekable = stream.seekable

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(self._most + 1 if size < 0 else min(size, self._most + 1))
        if len(content) > self._most:
            raise InvalidInput(f"it has a header of more than {self._most} bytes")
        return content


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    with source:
        while chunk := source.read(CHUNK):
            yield chunk
