"""Raw files and specs of datasets, for tests of what reads them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlplane.api.dataset import DatasetSpec
from mlplane.data.rawfiles import RawFiles
from mlplane.data.reading import stage
from mlplane.data.staging import OWN, Staged
from mlplane.store.digest import FileEntry

SPLITS = [{"name": "train", "percent": 80}, {"name": "test", "percent": 20}]
GIT = {"url": "https://git.example.com/team/a.git", "path": "data", "commit": "0" * 40}


def spec_of(columns: Any = None, **fields: Any) -> DatasetSpec:
    """A spec: CSV without a header and two splits, if nothing else is said."""
    body = {"source": {"git": GIT}, "format": "CSV", "splits": SPLITS, **fields}
    if columns is not None:
        body["columns"] = columns
    if body["format"] == "CSV":
        body.setdefault("header", "Absent")
    return DatasetSpec.model_validate(body)


def raw_files(directory: Path, files: Mapping[str, bytes | str]) -> RawFiles:
    """Files in a directory, as a source gives them."""
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    entries = sorted(FileEntry(n, (directory / n).stat().st_size, "") for n in files)
    return RawFiles(directory, tuple(entries))


def staged(
    directory: Path, files: Mapping[str, bytes | str] | bytes | str, spec: DatasetSpec, limit: int = 1 << 30
) -> Staged:
    """The records of files, or of one file."""
    named = files if isinstance(files, Mapping) else {"data": files}
    raw = directory / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    return stage(raw_files(raw, named), spec, limit, directory / "staged.parquet")


def table_of(found: Staged) -> pa.Table:
    """The staged records with all that staging adds."""
    return pq.read_table(found.path)


def records_of(found: Staged) -> list[dict[str, Any]]:
    """The staged records as they are in the dataset."""
    return table_of(found).drop_columns(list(OWN)).to_pylist()
