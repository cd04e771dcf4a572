"""``training.source`` and ``training.output``: what a transform reads, and where it writes.

raw = training.source("raw").table()
with training.output("part.csv").open("w") as file:
    ...
"""

from pathlib import Path

from mlplane.errors import InvalidInput
from mlplane.store.digest import MANIFEST, check_path
from mlplane.training.context import current_transform
from mlplane.training.data import Dataset

OUTSIDE = "output"
"""Folder of the working directory that a transform writes to outside of mlplane."""


def source(name: str, manifest: str | Path | None = None) -> Dataset:
    """The rows of a Dataset that this one is derived from, those of all splits together.

    Args:
        name: Name of the Dataset.
        manifest: For use outside of mlplane: the file of that Dataset, such as ``dev/raw.yaml``, looked for
            in the current directory, the script's, and those above.

    Raises:
        InvalidInput: the transform does not read such a Dataset.
    """
    context = current_transform()
    if context is None:
        from mlplane.training.outside import whole_outside

        return Dataset(*whole_outside(name, manifest))
    if name not in context.sources:
        known = ", ".join(context.sources)
        raise InvalidInput(f"spec.derivedFrom.datasets does not name {name!r}; it names {known}")
    found = context.sources[name]
    return Dataset(Path(found.path), found.rows, found.columns)


def output(name: str) -> Path:
    """The path of a file to write; its folder is there. Every file that is written becomes raw data.

    Args:
        name: Path of the file, relative; with ``/`` between folders.

    Raises:
        InvalidInput: the name leads elsewhere, or is one that mlplane needs for itself.
    """
    check_path(name)
    if name == MANIFEST:
        raise InvalidInput(f"a file of a dataset cannot be called {MANIFEST}: choose another name")
    context = current_transform()
    path = Path(context.output if context else OUTSIDE) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
