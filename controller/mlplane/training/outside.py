"""The dataset of a script that runs outside of mlplane: read by the same rules, from the working tree.

The Dataset's manifest says which files it is and how it is divided, so that ``python train/train.py`` sees
the very rows that a run will see. Values must be of the types of their columns; bounds and checks are
looked at only where a Dataset is reconciled. Called by ``training.data`` and ``training.sources``.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from mlplane.api.dataset import DataColumn, DatasetSpec
from mlplane.data.layout import split_file
from mlplane.data.rawfiles import RawFiles, is_archive
from mlplane.data.specproblems import require_sound
from mlplane.errors import InvalidInput
from mlplane.store.digest import MANIFEST, FileEntry, entries_of
from mlplane.training.sources import OUTSIDE

DATASET_ENV = "MLPLANE_DATASET"
WHOLE = "whole"
UNLIMITED = 1 << 62
"""A person's own files may be as large as they are."""


Part = tuple[Path, int, tuple[DataColumn, ...]]
"""A Parquet file, its number of rows, and its columns."""


def dataset_outside(split: str, manifest: str | Path | None) -> Part:
    """Write a split to a temporary file.

    Raises:
        InvalidInput: no manifest is given or found, or the data do not fit it.
    """
    file = _manifest_file(os.environ.get(DATASET_ENV) or manifest)
    spec = _spec_of(file)
    if split not in {s.name for s in spec.splits}:
        raise InvalidInput(f"{file} has no split {split!r}; it has {', '.join(s.name for s in spec.splits)}")
    folder, rows, columns = _written(spec, file, [split])
    return folder / split_file(split), rows, columns


def whole_outside(name: str, manifest: str | Path | None) -> Part:
    """Write all splits to one temporary file, as a transform reads them.

    Raises:
        InvalidInput: no manifest is given or found, it is another Dataset's, or the data do not fit it.
    """
    from mlplane.data.joining import join_splits

    file = _manifest_file(manifest)
    found = _dataset_in(file).get("metadata", {}).get("name")
    if found != name:
        raise InvalidInput(f"{file} is the Dataset {found!r}; the script asks for {name!r}")
    spec = _spec_of(file)
    splits = [split.name for split in spec.splits]
    folder, rows, columns = _written(spec, file, splits)
    join_splits(folder, splits, folder / WHOLE)
    return folder / WHOLE, rows, columns


def _written(spec: DatasetSpec, manifest: Path, splits: list[str]) -> Part:
    """A temporary folder with the files of some splits, their number of rows together, and the columns."""
    from mlplane.data.reading import stage
    from mlplane.data.versionfiles import write_splits

    folder = Path(tempfile.mkdtemp(prefix="mlplane-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    staged = stage(_raw_files(spec, manifest), spec, UNLIMITED, folder / "staged")
    if staged.findings:
        sentences = "; ".join(finding.sentence(staged.read) for finding in staged.findings)
        raise InvalidInput(f"{manifest}: {sentences}; correct the data or spec.columns")
    written = write_splits(staged, spec, folder, only=splits)
    staged.path.unlink()
    return folder, sum(split.rows for split in written), staged.columns


def _raw_files(spec: DatasetSpec, manifest: Path) -> RawFiles:
    """The file or the folder that the manifest names, in the working tree around it."""
    path = _place_of(spec, manifest)
    if not path.is_dir():
        raw = RawFiles(path.parent, (_entry(path, path.parent),))
    else:
        # The store keeps this name for itself; a source may have such a file.
        own = [_entry(path / MANIFEST, path)] if (path / MANIFEST).is_file() else []
        entries = sorted((*entries_of(path), *own), key=lambda entry: entry.path.encode())
        raw = RawFiles(path, tuple(entries))
    if len(raw.entries) == 1 and is_archive(raw.entries[0].path):
        raise InvalidInput(
            f"{raw.path_of(raw.entries[0])} is an archive; outside of mlplane none is read: unpack it"
        )
    return raw


def _place_of(spec: DatasetSpec, manifest: Path) -> Path:
    """Where the raw bytes lie; those of a derived Dataset, where its script leaves them by itself."""
    if spec.source is not None and spec.source.git is not None:
        return _find(spec.source.git.path, [manifest.parent])
    if spec.derived_from is None:
        raise InvalidInput(
            f"{manifest} has no git source; outside of mlplane only files of the working tree can be read"
        )
    places = [place / OUTSIDE for place in _upwards([Path.cwd(), manifest.parent])]
    if (made := next((place for place in places if place.is_dir()), None)) is None:
        script = f"{spec.derived_from.code.git.path}/{spec.derived_from.entrypoint}"
        raise InvalidInput(
            f"{manifest} is derived from other Datasets, and there is no folder {OUTSIDE} with its files; "
            f"`python {script}` writes them there"
        )
    return made


def _entry(file: Path, folder: Path) -> FileEntry:
    return FileEntry(file.relative_to(folder).as_posix(), file.stat().st_size, "")


def _manifest_file(manifest: str | Path | None) -> Path:
    if not manifest:
        raise InvalidInput(
            "outside of mlplane a dataset needs its manifest: dataset(…, manifest='dev/dataset.yaml'),"
            f" or {DATASET_ENV} set to that file"
        )
    script = Path(getattr(sys.modules.get("__main__"), "__file__", None) or ".").resolve()
    return _find(str(manifest), [Path.cwd(), script.parent])


def _find(path: str, starts: list[Path]) -> Path:
    """A path relative to one of the directories or of those above them."""
    for directory in _upwards(starts):
        if (directory / path).exists():
            return directory / path
    raise InvalidInput(f"{path} is not in {', '.join(map(str, starts))} nor in a directory above")


def _upwards(starts: list[Path]) -> Iterator[Path]:
    for start in starts:
        yield from (start, *start.parents)


def _spec_of(file: Path) -> DatasetSpec:
    try:
        spec = DatasetSpec.model_validate(_dataset_in(file).get("spec"))
    except ValidationError as error:
        raise InvalidInput(f"{file} is not a Dataset; `mlplane validate` says more: {error}") from error
    require_sound(spec)
    return spec


def _dataset_in(file: Path) -> dict[str, Any]:
    """The only document of kind Dataset in a file."""
    try:
        documents: list[Any] = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise InvalidInput(f"{file} is not a Dataset; `mlplane validate` says more: {error}") from error
    found = [d for d in documents if isinstance(d, dict) and d.get("kind") == "Dataset"]
    if len(found) != 1:
        raise InvalidInput(f"{file} holds {len(found)} documents of kind Dataset; expected one")
    return found[0]
