"""The raw bytes of a dataset: a folder of files, and what each of them is.

``steps.sources`` makes them, whatever the kind of the source; the readers of this package read them. Paths
are relative to what the source names, so the digest says nothing of where the bytes came from.
"""

from dataclasses import dataclass
from pathlib import Path

from mlplane.store.digest import FileEntry, merkle


@dataclass(frozen=True)
class RawFiles:
    """Files in a folder, and nothing else in it."""

    directory: Path
    entries: tuple[FileEntry, ...]
    """In the order of their paths' UTF-8 bytes; of a single file, the path is its base name."""

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` over paths, sizes and bytes of the files."""
        return merkle(self.entries)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.entries)

    def path_of(self, entry: FileEntry) -> Path:
        """Where a file lies."""
        return self.directory / entry.path


def is_archive(name: str) -> bool:
    """Whether a file's name says that what is in it counts, if it is the only file of a source."""
    return name.lower().endswith((".zip", ".tar", ".tar.gz", ".tgz"))
