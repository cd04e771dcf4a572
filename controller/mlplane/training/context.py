"""What a run tells the script that it starts: one JSON document, whose path is in ``MLPLANE_RUN``.

Written by ``steps.train``, read by the rest of this package. A script without it runs outside of mlplane.
"""

import os
from pathlib import Path

from pydantic import ValidationError

from mlplane.api.dataset import DataColumn
from mlplane.api.meta import ApiModel
from mlplane.errors import Terminal

RUN_ENV = "MLPLANE_RUN"


class RunContext(ApiModel):
    """The run that a script is part of."""

    dataset: str
    """Name of the dataset."""
    folder: str
    """Directory with a file ``<split>.csv`` for each split."""
    columns: tuple[DataColumn, ...]
    splits: dict[str, int]
    """Number of rows in each split that the script may read."""
    withheld: str
    """The split that the model will be judged on."""
    params: dict[str, str]
    seed: int
    output: str
    """Directory that ``save`` writes to."""


def current_run() -> RunContext | None:
    """The run that this process is part of; None outside of mlplane.

    Raises:
        Terminal: the document that announces it cannot be read.
    """
    path = os.environ.get(RUN_ENV)
    if not path:
        return None
    try:
        return RunContext.model_validate_json(Path(path).read_bytes())
    except (OSError, ValidationError) as error:
        raise Terminal(f"{RUN_ENV}={path} is not a run of this version of mlplane: {error}") from error
