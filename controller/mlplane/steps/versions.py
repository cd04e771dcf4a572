"""A dataset version in the store: what it is named by, and what is known about it.

Its digest covers the raw bytes, how they are read, the columns and the splits, never the files made of them.
``dataset.json`` holds columns, rows and splits; each split is a CSV, whose digest is that of its canonical
records in order, without the header.
"""

import hashlib
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from mlplane.api.dataset import DataColumn, DatasetSpec, Split
from mlplane.api.evaluation import PinnedRef
from mlplane.api.meta import ApiModel
from mlplane.errors import Terminal
from mlplane.store.artifacts import Store
from mlplane.store.digest import CHUNK
from mlplane.store.uris import uri_of

KIND = "datasets"
DOCUMENT = "dataset.json"


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
            raise Terminal(f"{DOCUMENT} of the dataset version is damaged: {error}") from error

    def split(self, name: str) -> Split:
        """A split by its name.

        Raises:
            Terminal: there is none.
        """
        for split in self.splits:
            if split.name == name:
                return split
        raise Terminal(f"the dataset has no split {name!r}; it has {', '.join(s.name for s in self.splits)}")


def identity_of(spec: DatasetSpec, raw_sha256: str) -> dict[str, Any]:
    """What a dataset version is named by; where the bytes came from is not part of it."""
    body = spec.to_body()
    return {
        "raw": raw_sha256,
        "packing": "gzip" if spec.source.git.path.endswith(".gz") else "none",
        **{field: body[field] for field in ("format", "header", "columns", "splits")},
    }


def version_uri(dataset: PinnedRef) -> str:
    """The ``store://`` URI of a dataset version."""
    return uri_of(KIND, dataset.name, dataset.digest)


def split_file(name: str) -> str:
    """The file of a split."""
    return f"{name}.csv"


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
    files = {DOCUMENT, *(split_file(name) for name in wanted)}
    store.get(version_uri(dataset), directory, only=files)
    version = DatasetVersion.read(directory)
    digests = {split.name: split.digest for split in pinned}
    for name in sorted(wanted):
        found = split_digest(directory / split_file(name))
        if not found == version.split(name).digest == digests.get(name):
            raise Terminal(
                f"split {name} of {version_uri(dataset)} has the digest {found}; the run is pinned to "
                f"{digests.get(name, 'no split of this name')}"
            )
    return version


def split_digest(path: Path) -> str:
    """Digest of a split's records: of its file without the first line."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        stream.readline()
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
