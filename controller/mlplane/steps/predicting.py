"""What loaded models say about each record of a split, batch by batch.

Called by ``steps.evaluate``. Of a record are kept: one float for each output, the label, and which slices it
belongs to.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import Judgement
from mlplane.api.modelversion import Signature, Tensor
from mlplane.errors import BadData, InvalidInput, Terminal
from mlplane.steps.judging.plans import task_kind
from mlplane.steps.judging.slices import members
from mlplane.training.tables import Arrays

if TYPE_CHECKING:
    import numpy
    import torch

    Array = numpy.ndarray[Any, Any]

MAX_CLASSES = 1000
"""Above this the report would be larger than anybody reads."""
MAX_FLOATS = 50_000_000
"""Most outputs that are judged, records times classes; they need about 30 bytes each."""
_NUMPY_TYPES = {"FP32": "float32", "FP64": "float64", "INT32": "int32", "INT64": "int64"}


@dataclass(frozen=True)
class Predictor:
    """A loaded model."""

    who: str
    """``model`` or ``baseline``, for messages."""
    module: "torch.nn.Module"
    signature: Signature


@dataclass(frozen=True)
class Predictions:
    """What was seen of a split."""

    labels: "Array"
    """``[rows]``: the right class (int64), or the right number (float64)."""
    outputs: "tuple[Array, ...]"
    """Of each model: ``[rows, classes]`` scores, or ``[rows]`` numbers."""
    slices: "dict[str, Array]"
    """Of each slice: ``[rows]`` booleans, whether a record belongs to it."""


def check_inputs(predictor: str, signature: Signature, columns: Sequence[DataColumn], label: str) -> None:
    """Every input of a model must be a column, and none of them the right answer.

    Raises:
        InvalidInput: names the input.
    """
    known = [column.name for column in columns if column.name != label]
    for tensor in signature.inputs:
        if tensor.name == label:
            raise InvalidInput(
                f"the {predictor} takes {label!r} as an input, which is the answer that it is to give"
            )
        if tensor.name not in known:
            raise InvalidInput(
                f"the {predictor}'s input {tensor.name!r} is no column of the dataset ({', '.join(known)});"
                " name the inputs after columns in training.save(…, sample={…})"
            )


def predict(
    predictors: Sequence[Predictor],
    batches: Iterable[Arrays],
    plan: Judgement,
    columns: Sequence[DataColumn],
) -> Predictions:
    """Ask each model about each record.

    Args:
        predictors: The models; all are asked about the same batches.
        batches: The records, at least one.
        plan: Names the label, the task and the slices.
        columns: Of the dataset.

    Raises:
        InvalidInput: outputs, inputs or labels do not have the form that the task needs.
        Terminal: a model fails, or gives no numbers.
    """
    import numpy as np
    import torch

    by_name = {column.name: column for column in columns}
    labels: list[Array] = []
    outputs: list[list[Array]] = [[] for _ in predictors]
    slices: dict[str, list[Array]] = {part.name: [] for part in plan.slices}
    with torch.inference_mode():
        for batch in batches:
            for predictor, kept in zip(predictors, outputs, strict=True):
                kept.append(_output(predictor, batch, task_kind(plan)))
                _check_size(kept)
            classes = {p.who: kept[-1].shape[-1] for p, kept in zip(predictors, outputs, strict=True)}
            labels.append(_labels(batch[plan.label], plan, classes))
            for part in plan.slices:
                slices[part.name].append(members(part, by_name[part.column], batch[part.column]))
    return Predictions(
        np.concatenate(labels),
        tuple(np.concatenate(kept) for kept in outputs),
        {name: np.concatenate(masks) for name, masks in slices.items()},
    )


def _check_size(kept: "Sequence[Array]") -> None:
    if sum(output.size for output in kept) > MAX_FLOATS:
        raise InvalidInput(
            f"the split has more than {MAX_FLOATS} outputs (records times classes), which is the most that "
            "is judged; judge by a smaller split"
        )


def _labels(labels: "Array", plan: Judgement, given: Mapping[str, int]) -> "Array":
    """The labels of a batch, checked against the number of classes that each model gave for it."""
    import numpy as np

    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise BadData(f"column {plan.label} has records without a label; a model cannot be judged by them")
    if task_kind(plan) == "Regression":
        return labels.astype(np.float64)
    classes = labels.astype(np.int64)
    who, known = min(given.items(), key=lambda item: item[1])
    if classes.min() < 0 or classes.max() >= known:
        raise BadData(f"column {plan.label} has labels other than 0 to {known - 1}, the classes of the {who}")
    return classes


def _output(predictor: Predictor, batch: Arrays, task: str) -> "Array":
    """The first output of a model for a batch: a score for each class, or a number."""
    import torch

    tensors = predictor.signature.inputs
    inputs = [torch.from_numpy(_as_input(predictor.who, tensor, batch[tensor.name])) for tensor in tensors]
    try:
        result = predictor.module(*inputs)
    except (RuntimeError, ValueError, TypeError, LookupError, AssertionError) as error:
        raise Terminal(
            f"the {predictor.who} fails on the evaluation split: {type(error).__name__}: {error}"
        ) from error
    first = result if isinstance(result, torch.Tensor) else result[0]
    rows = len(next(iter(batch.values())))
    wanted = "[rows, classes]" if task == "Classification" else "[rows] or [rows, 1]"
    if not _has_form(first, rows, task):
        raise InvalidInput(
            f"the {predictor.who}'s first output has the shape {list(first.shape)}; {task} needs {wanted}"
        )
    if not torch.isfinite(first).all():
        raise Terminal(
            f"the {predictor.who} gives scores that are not finite numbers; it has not learned anything"
        )
    array: Array = first.numpy()
    return array if task == "Classification" else array.reshape(rows).astype("float64")


def _has_form(output: "torch.Tensor", rows: int, task: str) -> bool:
    shape = list(output.shape)
    if task == "Regression":
        return shape in ([rows], [rows, 1])
    if len(shape) == 2 and shape[1] > MAX_CLASSES:
        raise InvalidInput(f"the model gives {shape[1]} scores for a row; at most {MAX_CLASSES} are judged")
    return len(shape) == 2 and shape[0] == rows and shape[1] > 1


def _as_input(who: str, tensor: Tensor, array: "Array") -> "Array":
    """A column as the model takes it; a single value for each row also fits a width of 1."""
    if array.dtype.kind not in "iufb":
        raise InvalidInput(f"the {who}'s input {tensor.name!r} is a column that does not hold numbers")
    shape = (len(array), *tensor.shape[1:])
    if array.size != prod(shape):
        raise InvalidInput(
            f"the {who}'s input {tensor.name!r} has the shape {list(tensor.shape)}; "
            f"the column has {list(array.shape[1:]) or 'single values'}"
        )
    return array.astype(_NUMPY_TYPES[tensor.datatype]).reshape(shape)
