r"""The digest of an artifact: a Merkle hash over its files, the same on every machine.

    leaf    = sha256 of a file's bytes
    digest  = sha256 of "mlplane files v1\n" and, for each file in the order of its path's UTF-8 bytes,
              "<leaf hex> <size> <path>\n"

Paths are relative, with ``/``. The manifest is not part of it, for it holds the digest; nor are times,
modes, owners and empty directories. An artifact that is named by something else than its files (a dataset
version is named by its raw bytes and its spec) has an identity instead: a JSON document, hashed under
another first line, so that neither can be passed off as the other.

Needs no fsspec. Called by ``store.artifacts``, and by ``serving`` before it loads a model.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, NamedTuple

from mlplane.errors import Terminal

MANIFEST = "manifest.json"
CHUNK = 1 << 20
"""Bytes held in memory at a time."""


class FileEntry(NamedTuple):
    """A file of an artifact."""

    path: str
    """Relative to the artifact, with ``/``."""
    size: int
    sha256: str
    """Hex, without a prefix."""


def digest_of(directory: Path) -> str:
    """The digest ``sha256:<hex>`` of the files in a directory.

    Raises:
        Terminal: it holds no file, or something that is neither a file nor a directory.
    """
    return merkle(entries_of(directory))


def entries_of(directory: Path) -> tuple[FileEntry, ...]:
    """The files in a directory, sorted, without the manifest at its top; or a file, under its base name.

    Raises:
        Terminal: there is no file, a symbolic link, a special file, or a path with a control character.
    """
    if directory.is_file():
        return (_entry(directory, directory.name),)
    entries = tuple(
        _entry(path, path.relative_to(directory).as_posix())
        for path in directory.rglob("*")
        if (path.is_symlink() or not path.is_dir()) and path != directory / MANIFEST
    )
    if not entries:
        raise Terminal(f"{directory} holds no file; an artifact has at least one")
    return tuple(sorted(entries, key=_by_path))


def merkle(entries: Iterable[FileEntry]) -> str:
    """The digest ``sha256:<hex>`` of an artifact with these files, in whatever order they come."""
    ordered = sorted(entries, key=_by_path)
    text = "".join(f"{entry.sha256} {entry.size} {entry.path}\n" for entry in ordered)
    return "sha256:" + hashlib.sha256(f"mlplane files v1\n{text}".encode()).hexdigest()


def identity_digest(identity: Mapping[str, Any]) -> str:
    """The digest ``sha256:<hex>`` of an artifact that is named by a document: canonical JSON, hashed."""
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return "sha256:" + hashlib.sha256(f"mlplane identity v1\n{canonical}".encode()).hexdigest()


def sha256_of(stream: BinaryIO) -> str:
    """Hex sha256 of what is left in a stream, read in chunks."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def check_path(path: str) -> None:
    """Refuse a path that leads out of an artifact or cannot stand on one line.

    Raises:
        Terminal: names the path.
    """
    parts = path.split("/")
    if (
        not path.isprintable()
        or "\\" in path
        or {"", ".", ".."} & set(parts)
        or PurePosixPath(path).is_absolute()
    ):
        raise Terminal(f"{path[:200]!r} cannot be a file of an artifact: only plain relative paths with '/'")


def _by_path(entry: FileEntry) -> bytes:
    return entry.path.encode()


def _entry(path: Path, name: str) -> FileEntry:
    check_path(name)
    if path.is_symlink() or not path.is_file():
        raise Terminal(f"{name} is a link or a special file; an artifact holds plain files only")
    with path.open("rb") as stream:
        return FileEntry(name, path.stat().st_size, sha256_of(stream))
