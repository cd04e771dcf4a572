"""The user's own metrics: the evaluator runs in a process of its own, and what it gives is checked.

Called by ``steps.evaluate``.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ConfigDict, TypeAdapter

from mlplane.api.dataset import DataColumn
from mlplane.errors import InvalidInput, Terminal
from mlplane.steps.judging.judgement import ALL, Given
from mlplane.steps.judging.metrics import CLASSIFICATION, REGRESSION
from mlplane.steps.predicting import Predictions
from mlplane.steps.script import run_python
from mlplane.training.evaluating import EvaluatorTask

if TYPE_CHECKING:
    import numpy

    Masks = Mapping[str, numpy.ndarray[Any, Any]]

MAX_METRICS = 64
_ANSWER = TypeAdapter(list[dict[str, dict[str, Any]]], config=ConfigDict(hide_input_in_errors=True))
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class Records(NamedTuple):
    """The split that an evaluator sees."""

    file: Path
    columns: tuple[DataColumn, ...]


def own_metrics(
    code: Path, evaluator: str, records: Records, predictions: Predictions, scratch: Path
) -> tuple[Given, ...]:
    """What the evaluator gives for each model and part of the records.

    Args:
        code: Directory of the user's code.
        evaluator: Its file, relative to the code.
        records: What it is told about the records.
        predictions: What the models said; slices without records are left out.
        scratch: For files.

    Raises:
        InvalidInput: it gave something else than numbers under names of its own.
        Terminal: it failed.
    """
    output = scratch / "evaluated.json"
    task = EvaluatorTask(
        evaluator=str(code / evaluator),
        records=str(records.file),
        columns=records.columns,
        predictions=tuple(
            _saved(scratch / f"predictions-{i}.npy", found) for i, found in enumerate(predictions.outputs)
        ),
        masks={name: _saved(scratch / f"mask-{name}.npy", m) for name, m in _masks(predictions).items()},
        output=str(output),
    )
    document = scratch / "evaluator.json"
    document.write_text(task.model_dump_json(by_alias=True, exclude_none=True), encoding="utf-8")
    arguments = ["-m", "mlplane.training.evaluating", str(document)]
    run_python(arguments, f"evaluator {evaluator}", code, {"PYTHONHASHSEED": "0"}, scratch)
    return tuple(checked(found, evaluator) for found in _read(output, evaluator))


def _masks(predictions: Predictions) -> "Masks":
    import numpy as np

    everything = {ALL: np.ones(len(predictions.labels), dtype=bool)}
    return everything | {name: mask for name, mask in predictions.slices.items() if mask.any()}


def _saved(file: Path, array: "numpy.ndarray[Any, Any]") -> str:
    import numpy as np

    file.parent.mkdir(parents=True, exist_ok=True)
    np.save(file, array)
    return str(file)


def _read(output: Path, evaluator: str) -> list[dict[str, dict[str, Any]]]:
    """What the process left; it is the user's, who may have left anything."""
    try:
        return _ANSWER.validate_json(output.read_bytes())
    except (OSError, ValueError) as error:
        raise Terminal(f"evaluator {evaluator} ended without an answer: {error}") from error


def checked(found: Mapping[str, Mapping[str, Any]], evaluator: str) -> Given:
    """The metrics of each part, which must be numbers under names of their own.

    Raises:
        InvalidInput: they are not; names the evaluator, the part and the metric.
    """
    for part, metrics in found.items():
        where = f"evaluator {evaluator} gave, on {f'slice {part!r}' if part else 'all records'},"
        if len(metrics) > MAX_METRICS:
            raise InvalidInput(f"{where} {len(metrics)} metrics; at most {MAX_METRICS} are taken")
        for name, value in metrics.items():
            _check_metric(where, name, value)
    return {part: dict(metrics) for part, metrics in found.items()}


def _check_metric(where: str, name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(f"{where} the name {name[:80]!r}; a metric's name has letters, digits and _ only")
    if name in (*CLASSIFICATION, *REGRESSION):
        raise InvalidInput(f"{where} a metric {name!r}, which is one of mlplane's own; choose another name")
    if not isinstance(value, float):
        raise InvalidInput(f"{where} a {value} as {name!r}; it must be a number")
    if not math.isfinite(value):
        raise InvalidInput(
            f"{where} {value} as {name!r}; it must be a finite number: leave out what is not defined"
        )
