"""What a run tells the script that it starts: one JSON document, whose path is in ``MLPLANE_RUN``.

A transform is told in the same way, by ``MLPLANE_TRANSFORM``. Written by ``steps.train`` and
``steps.transform``, read by the rest of this package. A script without it runs outside of mlplane.
"""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from mlplane.api.dataset import DataColumn
from mlplane.api.meta import ApiModel
from mlplane.errors import Terminal

RUN_ENV = "MLPLANE_RUN"
TRANSFORM_ENV = "MLPLANE_TRANSFORM"
ContextT = TypeVar("ContextT", bound=ApiModel)


class RunContext(ApiModel):
    """The run that a script is part of."""

    dataset: str
    """Name of the dataset."""
    folder: str
    """Directory with a file ``<split>.parquet`` for each split."""
    columns: tuple[DataColumn, ...]
    splits: dict[str, int]
    """Number of rows in each split that the script may read."""
    withheld: str
    """The split that the model will be judged on."""
    params: dict[str, str]
    seed: int
    output: str
    """Directory that ``save`` writes to."""
    checkpoints: str = ""
    """Directory of checkpoints: the newest is where to go on, and new ones are written to it."""


class SourceFile(ApiModel):
    """All rows of a Dataset that a transform reads."""

    path: str
    """A Parquet file."""
    rows: int
    columns: tuple[DataColumn, ...]


class TransformContext(ApiModel):
    """The transform that a script is."""

    sources: dict[str, SourceFile]
    """By the names of the Datasets."""
    params: dict[str, str]
    seed: int
    output: str
    """Directory of the files that it makes."""


def current_run() -> RunContext | None:
    """The run that this process is part of; None outside of mlplane, and in a transform.

    Raises:
        Terminal: the document that announces it cannot be read.
    """
    return _announced(RUN_ENV, RunContext)


def current_transform() -> TransformContext | None:
    """The transform that this process is; None if it is none.

    Raises:
        Terminal: the document that announces it cannot be read.
    """
    return _announced(TRANSFORM_ENV, TransformContext)


def current_script() -> RunContext | TransformContext | None:
    """Whatever this process is part of, for what all scripts have: parameters and a seed."""
    return current_run() or current_transform()


def _announced(variable: str, kind: type[ContextT]) -> ContextT | None:
    path = os.environ.get(variable)
    if not path:
        return None
    try:
        return kind.model_validate_json(Path(path).read_bytes())
    except (OSError, ValidationError) as error:
        message = f"{variable}={path} is not a {kind.__name__} of this version of mlplane: {error}"
        raise Terminal(message) from error
