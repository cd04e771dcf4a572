"""``python -m mlplane.training.evaluating DOCUMENT``: runs a user's evaluator, without credentials.

The evaluator is a Python file with a function ``evaluate(rows, predictions)`` that gives a dict of numbers:
``rows`` is a dict with an array for each column, the label among them; ``predictions`` is an array with what
the model gave for each of the rows, ``[rows, classes]`` scores or ``[rows]`` numbers. It is called for all
records and for each slice, of a model and of its baseline.

Started by ``steps.evaluator``, which judges what comes out.
"""

import json
import math
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlplane.api.dataset import DataColumn
from mlplane.api.meta import ApiModel
from mlplane.errors import InvalidInput
from mlplane.training.tables import read_arrays

FUNCTION = "evaluate"


class EvaluatorTask(ApiModel):
    """What is to be evaluated."""

    evaluator: str
    """The user's file."""
    records: str
    """File of the split."""
    columns: tuple[DataColumn, ...]
    predictions: tuple[str, ...]
    """A ``.npy`` file for each model."""
    masks: dict[str, str]
    """A ``.npy`` file of booleans for each part of the records, by name."""
    output: str
    """Where the answer goes: for each model, the metrics of each part by name."""


def run(task: EvaluatorTask) -> None:
    """Call the evaluator for each model and part, and write what it gives.

    Raises:
        InvalidInput: the file has no such function, or it gives no dict.
    """
    import numpy as np

    function = runpy.run_path(task.evaluator).get(FUNCTION)
    if not callable(function):
        raise InvalidInput(f"{Path(task.evaluator).name} has no function {FUNCTION}(rows, predictions)")
    rows = read_arrays(Path(task.records), task.columns)
    masks = {name: np.load(file) for name, file in task.masks.items()}
    answers = [
        {
            name: _called(function, {c: values[mask] for c, values in rows.items()}, predictions[mask])
            for name, mask in masks.items()
        }
        for predictions in map(np.load, task.predictions)
    ]
    Path(task.output).write_text(json.dumps(answers), encoding="ascii")


def _called(function: Callable[..., Any], rows: Mapping[str, Any], predictions: Any) -> dict[str, Any]:
    """The metrics; what is no number is told by the name of its type."""
    given = function(rows, predictions)
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{FUNCTION} gave {type(given).__name__}; it must give a dict of numbers")
    return {str(name): _number(value) for name, value in given.items()}


def _number(value: Any) -> Any:
    if isinstance(value, (str, bytes)):  # Python would read a number out of these
        return type(value).__name__
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return type(value).__name__


if __name__ == "__main__":
    run(EvaluatorTask.model_validate_json(Path(sys.argv[1]).read_bytes()))
