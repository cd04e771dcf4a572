"""Copy artifacts from one store to another, verified on both sides.

What is there is not copied again, whole files of an artifact that was left half way included; the manifest
comes last, so that nobody ever sees half of one. Called by ``cli.storecopy``.
"""

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO, cast

from mlplane.errors import Terminal
from mlplane.store.artifacts import Store
from mlplane.store.digest import CHUNK, MANIFEST, FileEntry, sha256_of
from mlplane.store.files import Files
from mlplane.store.uris import parse


class _Verified:
    """A stream that breaks at its end if it was not what it should be, so that nothing is kept of it."""

    def __init__(
        self, stream: BinaryIO, entry: FileEntry, whose: str, on_bytes: Callable[[int], None]
    ) -> None:
        self._stream, self._entry, self._whose, self._on_bytes = stream, entry, whose, on_bytes
        self._digest = hashlib.sha256()

    def read(self, _: int = -1) -> bytes:
        chunk = self._stream.read(CHUNK)
        self._digest.update(chunk)
        self._on_bytes(len(chunk))
        if not chunk and self._digest.hexdigest() != self._entry.sha256:
            what = f"file {self._entry.path} has sha256 {self._digest.hexdigest()}"
            raise Terminal(f"{self._whose} is damaged: {what}; it was stored with {self._entry.sha256}")
        return chunk


def copy(uri: str, source: Store, target: Store, on_bytes: Callable[[int], None] = lambda _: None) -> bool:
    """Have an artifact of one store in another.

    Args:
        uri: The artifact, ``store://…``.
        source: Where it is.
        target: Where it is to be.
        on_bytes: Told how many bytes more are there.

    Returns:
        Whether anything was copied.

    Raises:
        Terminal: There is no such artifact, one of the copies is damaged, or a store refuses.
        Transient: A store failed; what is copied stays, and the next try goes on.
    """
    manifest = source.manifest(uri)
    if target.exists(uri):
        target.verify(uri)
        on_bytes(sum(entry.size for entry in manifest.files))
        return False
    there = Files(target.url)
    for entry in manifest.files:
        path = f"{parse(uri).path}/{entry.path}"
        if _is_there(there, path, entry):
            on_bytes(entry.size)
        else:
            _copy_file(uri, Files(source.url), there, entry, on_bytes)
    there.write(f"{parse(uri).path}/{MANIFEST}", BytesIO(manifest.to_json()))
    target.verify(uri)
    return True


def _copy_file(
    uri: str, source: Files, target: Files, entry: FileEntry, on_bytes: Callable[[int], None]
) -> None:
    path = f"{parse(uri).path}/{entry.path}"
    try:
        with source.open(path) as stream:
            verified = _Verified(stream, entry, f"{uri} in {source.url}", on_bytes)
            target.write(path, cast("BinaryIO", verified))
    except FileNotFoundError as error:
        raise Terminal(f"{uri} in {source.url} is damaged: file {entry.path} is missing") from error


def _is_there(files: Files, path: str, entry: FileEntry) -> bool:
    try:
        with files.open(path) as stream:
            return sha256_of(stream) == entry.sha256
    except FileNotFoundError:
        return False
