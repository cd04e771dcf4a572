"""The dataset of a script that runs outside of mlplane: read by the same rules, from the working tree.

The Dataset's manifest says which file it is and how it is divided, so that ``python train/train.py`` sees the
very rows that a run will see. Called by ``training.data``.
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
from mlplane.errors import InvalidInput
from mlplane.training.records import read_records
from mlplane.training.tables import header_of

DATASET_ENV = "MLPLANE_DATASET"


def dataset_outside(split: str, manifest: str | Path | None) -> tuple[Path, int, tuple[DataColumn, ...]]:
    """Write a split to a temporary file.

    Returns:
        The file, its number of rows, and its columns.

    Raises:
        InvalidInput: no manifest is given or found, or the data do not fit it.
    """
    file = _manifest_file(os.environ.get(DATASET_ENV) or manifest)
    spec = _spec_of(file)
    if split not in {s.name for s in spec.splits}:
        raise InvalidInput(f"{file} has no split {split!r}; it has {', '.join(s.name for s in spec.splits)}")
    source = _find(spec.source.git.path, [file.parent])
    folder = Path(tempfile.mkdtemp(prefix="mlplane-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / f"{split}.csv"
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write(header_of(spec.columns))
        rows = sum(bool(out.write(r.text + "\n")) for r in read_records(source, spec) if r.split == split)
    return path, rows, spec.columns


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
        if (directory / path).is_file():
            return directory / path
    raise InvalidInput(f"{path} is not in {', '.join(map(str, starts))} nor in a directory above")


def _upwards(starts: list[Path]) -> Iterator[Path]:
    for start in starts:
        yield from (start, *start.parents)


def _spec_of(file: Path) -> DatasetSpec:
    try:
        documents: list[Any] = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
        found = [d for d in documents if isinstance(d, dict) and d.get("kind") == "Dataset"]
        if len(found) != 1:
            raise InvalidInput(f"{file} holds {len(found)} documents of kind Dataset; expected one")
        return DatasetSpec.model_validate(found[0].get("spec"))
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidInput(f"{file} is not a Dataset; `mlplane validate` says more: {error}") from error
