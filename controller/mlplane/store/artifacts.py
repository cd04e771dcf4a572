"""Put and get artifacts, whole and verified.

The manifest is written last, and what has no manifest does not exist: nobody ever sees half an artifact.
Files lie under the digest of their content, so several writers of one artifact write the same bytes and
disturb nobody.

Called by ``steps``; ``store.download`` wraps ``get`` for init containers.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from mlplane.errors import InvalidInput, SystemFault, Terminal
from mlplane.store.digest import CHUNK, MANIFEST, FileEntry, entries_of
from mlplane.store.files import Files
from mlplane.store.manifest import Manifest, read_manifest
from mlplane.store.uris import parse, uri_of

PARTIAL_SUFFIX = ".partial"


class _Watched:
    """A stream that tells how far it is read, and keeps the digest of what was read."""

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None]) -> None:
        self._stream, self._on_bytes = stream, on_bytes
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        self._on_bytes(len(chunk))
        return chunk


@dataclass(frozen=True)
class Store:
    """A store of artifacts and small documents."""

    url: str
    """fsspec URL such as ``file:///data/store`` or ``s3://bucket/prefix``."""

    def put(
        self,
        path: Path,
        kind: str,
        name: str,
        *,
        identity: Mapping[str, Any] | None = None,
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> str:
        """Store a file, or the files of a directory; does nothing where the artifact exists.

        Args:
            path: What to store; a ``manifest.json`` at the top of a directory is left out.
            kind: ``datasets``, ``models``, ``reports`` or ``uploads``.
            name: Name of the dataset or the model.
            identity: What to name the artifact by; its files, if not given.
            on_bytes: Told how many bytes more are on their way.

        Returns:
            The ``store://`` URI of the artifact.

        Raises:
            Terminal: there is what an artifact cannot hold, a file changes meanwhile, or the store refuses.
            Transient: the store failed.
        """
        manifest = Manifest(entries_of(path), identity or {})
        uri = uri_of(kind, name, manifest.digest)
        if self.renew(uri):
            return uri
        for entry in manifest.files:
            with (path / entry.path if path.is_dir() else path).open("rb") as stream:
                source = _Watched(stream, on_bytes)
                self._files.write(f"{parse(uri).path}/{entry.path}", cast("BinaryIO", source))
            if source.digest.hexdigest() != entry.sha256:
                raise Terminal(f"{entry.path} changed while it was stored; store it again when it rests")
        self._files.write(f"{parse(uri).path}/{MANIFEST}", BytesIO(manifest.to_json()))
        return uri

    def exists(self, uri: str) -> bool:
        """Whether the artifact is stored completely."""
        return self._files.read(f"{parse(uri).path}/{MANIFEST}") is not None

    def renew(self, uri: str) -> bool:
        """Say that an artifact is needed again, so that it does not pass for old; False if there is none.

        ``store.inventory`` removes nothing that was written a short while ago: the manifest is written anew.
        """
        path = f"{parse(uri).path}/{MANIFEST}"
        content = self._files.read(path)
        if content is None:
            return False
        self._files.write(path, BytesIO(content))
        return True

    def manifest(self, uri: str) -> Manifest:
        """The manifest of an artifact, checked against the digest in its name.

        Raises:
            Terminal: there is no such artifact, or its manifest is not the right one.
        """
        content = self._files.read(f"{parse(uri).path}/{MANIFEST}")
        if content is None:
            raise SystemFault(f"{uri} is not in the store {self.url}")
        return read_manifest(content, parse(uri).digest)

    def get(self, uri: str, directory: Path, *, only: Collection[str] | None = None) -> Manifest:
        """Copy an artifact to a directory, with its manifest; each file is verified as it comes.

        Args:
            uri: The artifact.
            directory: Where to; made if need be.
            only: Paths of the files to copy; all, if not given.

        Raises:
            Terminal: no such artifact, or a file whose bytes are not the ones that were put; names the file.
            Transient: the store failed.
        """
        manifest = self.manifest(uri)
        for entry in manifest.files:
            if only is None or entry.path in only:
                self._get_file(uri, entry, directory / entry.path)
        (directory / MANIFEST).write_bytes(manifest.to_json())
        return manifest

    def check(self, uri: str) -> Manifest:
        """The manifest of an artifact whose files are all there, in their sizes; their bytes are not read.

        Raises:
            Terminal: no such artifact, or a file that is missing or of another size; names the file.
        """
        manifest = self.manifest(uri)
        folder = parse(uri).path
        sizes = {file.path: file.size for file in self._files.list(folder)}
        for entry in manifest.files:
            size = sizes.get(f"{folder}/{entry.path}")
            if size != entry.size:
                found = "is missing from the store" if size is None else f"has {size} bytes"
                raise SystemFault(
                    f"{uri} is damaged: file {entry.path} {found}; it was stored with {entry.size}"
                )
        return manifest

    def verify(self, uri: str) -> Manifest:
        """Read an artifact through, and check each file, without keeping it.

        Raises:
            Terminal: no such artifact, or a file whose bytes are not the ones that were put; names the file.
        """
        manifest = self.manifest(uri)
        for entry in manifest.files:
            self._copy_verified(uri, entry, None)
        return manifest

    def discard(self, uri: str) -> None:
        """Delete an artifact that nobody needs; the manifest goes first, so that half of one is none."""
        content = self._files.read(f"{parse(uri).path}/{MANIFEST}")
        if content is None:
            return
        self._files.delete(f"{parse(uri).path}/{MANIFEST}")
        for entry in read_manifest(content, parse(uri).digest).files:
            self._files.delete(f"{parse(uri).path}/{entry.path}")
        self._files.delete_folder(parse(uri).path)

    def put_json(self, path: str, document: Mapping[str, Any]) -> None:
        """Write a small document at a path of the store, whole or not at all; replaces what is there."""
        self._files.write(path, BytesIO(json.dumps(document, indent=1).encode() + b"\n"))

    def get_json(self, path: str) -> dict[str, Any] | None:
        """Read a small document; None where there is none.

        Raises:
            Terminal: it is not a JSON object.
        """
        content = self._files.read(path)
        try:
            document = None if content is None else json.loads(content)
        except ValueError as error:
            raise SystemFault(f"{self.url}/{path} is damaged: it is not JSON") from error
        if document is not None and not isinstance(document, dict):
            raise SystemFault(f"{self.url}/{path} is damaged: it is not a JSON object")
        return document

    @cached_property
    def _files(self) -> Files:
        if not self.url:
            raise InvalidInput(
                "no store is given; set MLPLANE_STORE to an fsspec URL such as file:///data/store"
            )
        return Files(self.url)

    def _get_file(self, uri: str, entry: FileEntry, target: Path) -> None:
        """Copy a file under another name first, so that an unverified one never has the right name."""
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(target.name + PARTIAL_SUFFIX)
        try:
            with partial.open("wb") as stream:
                self._copy_verified(uri, entry, stream)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def _copy_verified(self, uri: str, entry: FileEntry, target: BinaryIO | None) -> None:
        digest, size = hashlib.sha256(), 0
        try:
            with self._files.open(f"{parse(uri).path}/{entry.path}") as source:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    if target:
                        target.write(chunk)
        except FileNotFoundError as error:
            raise SystemFault(f"{uri} is damaged: file {entry.path} is missing from the store") from error
        if (size, digest.hexdigest()) != (entry.size, entry.sha256):
            message = f"file {entry.path} has {size} bytes with sha256 {digest.hexdigest()}"
            raise SystemFault(
                f"{uri} is damaged: {message}; it was stored with {entry.size} and {entry.sha256}"
            )
