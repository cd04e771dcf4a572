"""A dataset version in the store: what it is named by, and what is known about it.

Its digest covers the raw bytes, how they are read, and how they are divided, never where they came from or
the files made of them. ``dataset.json`` holds columns, rows and splits; each split is a Parquet file, whose
digest is that of its records in order (``data.digests``).
"""

from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from mlplane.api.dataset import DataColumn, DatasetSpec, Split
from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import ApiModel
from mlplane.data.layout import split_file
from mlplane.data.rawfiles import RawFiles
from mlplane.errors import BadData, SystemFault
from mlplane.store.artifacts import Store
from mlplane.store.digest import merkle
from mlplane.store.uris import uri_of

KIND = "datasets"
DOCUMENT = "dataset.json"
_IN_IDENTITY = {"format", "header", "columns", "sample", "split_by", "splits"}


class DatasetVersion(ApiModel):
    """What ``dataset.json`` holds."""

    rows: int
    columns: tuple[DataColumn, ...]
    splits: tuple[Split, ...]

    @classmethod
    def read(cls, directory: Path) -> Self:
        """The version whose files are in a directory.

        Raises:
            Terminal: the document is not one that this mlplane writes.
        """
        try:
            return cls.model_validate_json((directory / DOCUMENT).read_bytes())
        except (OSError, ValidationError) as error:
            raise SystemFault(f"{DOCUMENT} of the dataset version is damaged: {error}") from error

    def write(self, directory: Path) -> None:
        """Write ``dataset.json`` into a directory."""
        text = self.model_dump_json(by_alias=True, exclude_none=True, indent=1)
        (directory / DOCUMENT).write_text(text + "\n", encoding="utf-8")

    def split(self, name: str) -> Split:
        """A split by its name.

        Raises:
            Terminal: there is none.
        """
        for split in self.splits:
            if split.name == name:
                return split
        raise BadData(f"the dataset has no split {name!r}; it has {', '.join(s.name for s in self.splits)}")


def identity_of(spec: DatasetSpec, raw: RawFiles) -> dict[str, Any]:
    """What a dataset version is named by; neither the place of the bytes nor the checks are part of it."""
    body = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_IN_IDENTITY)
    return {"raw": _raw_digest(spec, raw), **body}


def _raw_digest(spec: DatasetSpec, raw: RawFiles) -> str:
    """The digest of the raw bytes; of a single file of records, its name only says whether it is packed."""
    if len(raw.entries) != 1 or spec.format in ("ImageFolder", "Files"):
        return raw.digest
    (entry,) = raw.entries
    packing = ".gz" if entry.path.endswith(".gz") else ""
    return merkle([entry._replace(path=f"data{packing}")])


def version_uri(dataset: PinnedRef) -> str:
    """The ``store://`` URI of a dataset version."""
    return uri_of(KIND, dataset.name, dataset.digest)


def get_version(
    store: Store, dataset: PinnedRef, pinned: tuple[Split, ...], wanted: set[str], directory: Path
) -> DatasetVersion:
    """Copy a dataset version to a directory, with some of its splits, and verify it.

    Args:
        store: Where it is.
        dataset: Which one.
        pinned: The splits as the run was told they are.
        wanted: Names of the splits to copy.
        directory: Where to.

    Raises:
        Terminal: there is no such version, it is damaged, or a split is not the one that was pinned.
    """
    from mlplane.data.digests import split_digest

    files = {DOCUMENT, *(split_file(name) for name in wanted)}
    store.get(version_uri(dataset), directory, only=files)
    version = DatasetVersion.read(directory)
    digests = {split.name: split.digest for split in pinned}
    for name in sorted(wanted):
        stored = version.split(name).digest
        found = split_digest(directory / split_file(name), version.columns)
        if not found == stored == digests.get(name):
            raise BadData(
                f"split {name} of {version_uri(dataset)} has the digest {found}; the run is pinned to "
                f"{digests.get(name, 'no split of this name')}"
            )
    return version
