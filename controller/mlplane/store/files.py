"""Writing and reading single files of a store, each all or nothing.

On an object store, putting an object is atomic already. On a local disk a file is written under another name
in ``<store>/.uploads``, flushed to the disk, and renamed: who looks sees the whole file or none, also after a
power cut.

Called by ``store.artifacts`` and ``store.inventory``.
"""

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from mlplane.errors import InvalidInput, MlplaneError, SystemFault, Transient
from mlplane.store.digest import CHUNK


@dataclass(frozen=True)
class StoredFile:
    """A file of a store."""

    path: str
    """Relative to the store."""
    size: int
    modified: datetime


UPLOADS = ".uploads"
"""Folder of files that are being written; who dies meanwhile leaves one there."""
_NEVER_BETTER = (PermissionError, IsADirectoryError, NotADirectoryError)


class Files:
    """The files below an fsspec URL."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """A small file; None where there is none."""
        try:
            with self.open(path) as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """A file as a stream.

        Raises:
            FileNotFoundError: there is none.
            Transient, Terminal: the store fails.
        """
        filesystem, root = self._filesystem
        with _errors_of(self.url), filesystem.open(f"{root}/{path}", "rb") as stream:
            yield cast("BinaryIO", stream)

    def write(self, path: str, source: BinaryIO) -> None:
        """Put a file, replacing what is there."""
        filesystem, root = self._filesystem
        with _errors_of(self.url):
            if isinstance(filesystem, LocalFileSystem):
                _write_local(Path(root), path, source)
            else:
                _write_object(filesystem, f"{root}/{path}", source)

    def list(self, folder: str = "") -> list[StoredFile]:
        """All files below a folder, as they are now.

        Raises:
            Transient, Terminal: the store fails.
        """
        filesystem, root = self._filesystem
        with _errors_of(self.url):
            filesystem.invalidate_cache()
            found = filesystem.find(f"{root}/{folder}".rstrip("/"), detail=True)
        return [
            StoredFile(path[len(root) + 1 :], int(facts["size"]), _modified(facts))
            for path, facts in found.items()
        ]

    def delete(self, path: str) -> None:
        """Delete a file; it need not be there."""
        filesystem, root = self._filesystem
        with _errors_of(self.url), suppress(FileNotFoundError):
            filesystem.rm_file(f"{root}/{path}")

    def delete_folder(self, path: str) -> None:
        """Delete what is left of folders that hold no files: on a disk, as an object store has none."""
        filesystem, root = self._filesystem
        if not isinstance(filesystem, LocalFileSystem):
            return
        for directory, _, _ in os.walk(f"{root}/{path}", topdown=False):
            with suppress(OSError):  # somebody has written to it again
                Path(directory).rmdir()

    @cached_property
    def _filesystem(self) -> tuple[Any, str]:
        try:
            filesystem, root = fsspec.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise InvalidInput(f"store {self.url} cannot be opened: {error}") from error
        return filesystem, str(root).rstrip("/")


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a stream in chunks."""
    while chunk := source.read(CHUNK):
        target.write(chunk)


def _write_local(root: Path, path: str, source: BinaryIO) -> None:
    target = root / path
    uploads = root / UPLOADS
    for directory in (uploads, target.parent):
        directory.mkdir(parents=True, exist_ok=True)
    upload = uploads / uuid.uuid4().hex
    try:
        with upload.open("xb") as stream:
            copy(source, stream)
            stream.flush()
            os.fsync(stream.fileno())
        upload.replace(target)
    finally:
        upload.unlink(missing_ok=True)
    _sync_directories(root, target.parent)


def _sync_directories(root: Path, directory: Path) -> None:
    """Flush the names, too: of the file, and of each new directory above it."""
    while True:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if directory == root:
            return
        directory = directory.parent


def _write_object(filesystem: Any, target: str, source: BinaryIO) -> None:
    """An fsspec file appears when it is closed; after an error it must be discarded, not closed."""
    filesystem.makedirs(target.rpartition("/")[0], exist_ok=True)
    stream = filesystem.open(target, "wb", autocommit=False)
    try:
        copy(source, stream)
        stream.close()
    except BaseException:
        stream.discard()
        raise
    stream.commit()


def _modified(facts: Mapping[str, Any]) -> datetime:
    """When a file was written, by whatever name a file system tells it."""
    for name in ("mtime", "LastModified", "updated", "created"):
        match facts.get(name):
            case datetime() as moment:
                return moment.astimezone(UTC)
            case int() | float() as seconds:
                return datetime.fromtimestamp(seconds, UTC)
            case str() as text:
                return datetime.fromisoformat(text).astimezone(UTC)
    # What tells no time may have been written now: it is never old enough to be deleted.
    return datetime.now(UTC)


@contextmanager
def _errors_of(url: str) -> Iterator[None]:
    """Failures of a store: what a person must change, and what may pass by itself."""
    try:
        yield
    except (MlplaneError, FileNotFoundError):
        raise
    except _NEVER_BETTER as error:
        raise SystemFault(f"store {url} refused: {error}") from error
    except OSError as error:
        raise Transient(f"store {url} failed: {error}") from error
