"""What lies in a store, and how an artifact is taken away.

A deleted artifact ceases to exist with its manifest, which goes first: nobody ever sees half of one. What is
left if that is interrupted has no manifest, and goes the next time. Called by ``cli.store``; what goes is
decided by ``gitops.collecting``.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from mlplane.store.digest import MANIFEST
from mlplane.store.files import UPLOADS, Files, StoredFile

_FILE = re.compile(r"(?P<kind>[a-z]+)/(?P<name>[a-z][-a-z0-9]*)/sha256-(?P<hex>[0-9a-f]{64})/(?P<path>.+)")


@dataclass(frozen=True)
class Stored:
    """An artifact, or what is left of one or was not finished."""

    kind: str
    name: str
    digest: str
    """``sha256:<hex>``"""
    files: tuple[StoredFile, ...]

    @property
    def folder(self) -> str:
        """Relative to the store."""
        return f"{self.kind}/{self.name}/{self.digest.replace(':', '-')}"

    @property
    def manifest(self) -> StoredFile | None:
        """What makes it an artifact; None where it is none."""
        return next((file for file in self.files if file.path == f"{self.folder}/{MANIFEST}"), None)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def modified(self) -> datetime:
        """When it was last written, or found to be what was to be written."""
        return max(file.modified for file in self.files)


def inventory(url: str) -> list[Stored]:
    """The artifacts of a store, by kind, name and age.

    Args:
        url: fsspec URL of the store.

    Raises:
        Transient, Terminal: it cannot be listed.
    """
    found: defaultdict[tuple[str, str, str], list[StoredFile]] = defaultdict(list)
    for file in Files(url).list():
        if match := _FILE.fullmatch(file.path):
            found[match["kind"], match["name"], f"sha256:{match['hex']}"].append(file)
    stored = [Stored(*key, tuple(files)) for key, files in found.items()]
    return sorted(stored, key=lambda artifact: (artifact.kind, artifact.name, artifact.modified))


def remove(url: str, stored: Stored, before: datetime) -> bool:
    """Take an artifact away, unless something wrote to it since it was decided.

    Args:
        url: fsspec URL of the store.
        stored: As it was listed.
        before: Nothing goes that was written after this time.

    Returns:
        Whether it is gone.

    Raises:
        Transient, Terminal: the store fails; what is left is no artifact any more.
    """
    files = Files(url)
    present = [file for file in files.list(stored.folder) if _FILE.fullmatch(file.path)]
    if any(file.modified >= before for file in present):
        return False
    first = f"{stored.folder}/{MANIFEST}"
    for file in sorted(present, key=lambda file: file.path != first):
        files.delete(file.path)
    files.delete_folder(stored.folder)
    return True


def remove_broken_uploads(url: str, before: datetime) -> int:
    """Delete files that nobody writes to any more and that never got their name; says how many.

    Args:
        url: fsspec URL of the store.
        before: Nothing goes that was written after this time.

    Raises:
        Transient, Terminal: the store fails.
    """
    files = Files(url)
    broken = [file for file in files.list(UPLOADS) if file.modified < before]
    for file in broken:
        files.delete(file.path)
    return len(broken)
