"""Counting right and wrong answers of a loaded model, batch by batch.

Called by ``steps.evaluate``.
"""

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from mlplane.api.dataset import DataColumn
from mlplane.api.modelversion import Signature, Tensor
from mlplane.errors import InvalidInput, Terminal
from mlplane.training.tables import Arrays

if TYPE_CHECKING:
    import numpy
    import torch

MAX_CLASSES = 1000
"""Above this the report would be larger than anybody reads."""
_NUMPY_TYPES = {"FP32": "float32", "FP64": "float64", "INT32": "int32", "INT64": "int64"}


def check_inputs(signature: Signature, columns: Sequence[DataColumn], label: str) -> None:
    """Every input of a model must be a column, and none of them the right answer.

    Raises:
        InvalidInput: names the input.
    """
    known = [column.name for column in columns if column.name != label]
    for tensor in signature.inputs:
        if tensor.name == label:
            raise InvalidInput(
                f"the model takes {label!r} as an input, which is the answer that it is to give"
            )
        if tensor.name not in known:
            raise InvalidInput(
                f"the model's input {tensor.name!r} is no column of the dataset ({', '.join(known)});"
                " name the inputs after columns in training.save(…, sample={…})"
            )


def count_answers(
    module: "torch.nn.Module", signature: Signature, batches: Iterable[Arrays], label: str
) -> list[list[int]]:
    """How often each label got each answer, the class with the highest score: ``[label][answer]``.

    Raises:
        InvalidInput: scores, inputs or labels do not have the form that accuracy needs.
        Terminal: the model fails, or gives no numbers.
    """
    import torch

    total: Any = 0
    with torch.inference_mode():
        for batch in batches:
            total = total + _counts(_scores(module, signature, batch), batch[label], label)
    counted: list[list[int]] = total.tolist()
    return counted


def _counts(
    scores: "numpy.ndarray[Any, Any]", labels: "numpy.ndarray[Any, Any]", label: str
) -> "numpy.ndarray[Any, Any]":
    import numpy as np

    classes = scores.shape[1]
    if classes > MAX_CLASSES:
        raise InvalidInput(f"the model gives {classes} scores for a row; at most {MAX_CLASSES} are judged")
    if labels.min() < 0 or labels.max() >= classes:
        raise InvalidInput(
            f"column {label} has labels other than 0 to {classes - 1}, the classes of the model"
        )
    cells = labels * classes + scores.argmax(axis=1)
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def _scores(module: "torch.nn.Module", signature: Signature, batch: Arrays) -> "numpy.ndarray[Any, Any]":
    """The first output of the model for a batch: a score for each class."""
    import torch

    inputs = [torch.from_numpy(_as_input(tensor, batch[tensor.name])) for tensor in signature.inputs]
    try:
        result = module(*inputs)
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        raise Terminal(f"the model fails on the evaluation split: {type(error).__name__}: {error}") from error
    first = result if isinstance(result, torch.Tensor) else result[0]
    if first.dim() != 2 or len(first) != len(next(iter(batch.values()))):
        raise InvalidInput(
            f"the model's first output has the shape {list(first.shape)}; accuracy needs [rows, classes]"
        )
    if not torch.isfinite(first).all():
        raise Terminal("the model gives scores that are not finite numbers; it has not learned anything")
    scores: numpy.ndarray[Any, Any] = first.numpy()
    return scores


def _as_input(tensor: Tensor, array: "numpy.ndarray[Any, Any]") -> "numpy.ndarray[Any, Any]":
    """A column as the model takes it; a single value for each row also fits a width of 1."""
    shape = (len(array), *tensor.shape[1:])
    if array.size != prod(shape):
        raise InvalidInput(
            f"the model's input {tensor.name!r} has the shape {list(tensor.shape)}; "
            f"the column has {list(array.shape[1:]) or 'single values'}"
        )
    return array.astype(_NUMPY_TYPES[tensor.datatype]).reshape(shape)
