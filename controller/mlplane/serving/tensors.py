"""Arrays out of JSON as the tensors that a signature asks for, with a sentence where they differ.

Pure. Called by ``protocols`` for requests and by ``artifact`` for the stored sample.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlplane.api.modelversion import Signature, Tensor
from mlplane.errors import InvalidInput

DTYPES: Mapping[str, np.dtype[Any]] = {
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
}
"""numpy types of the datatypes of the Open Inference Protocol that a signature may have."""
_FOUND = {"b": "booleans", "U": "strings", "S": "strings", "f": "fractions", "i": "integers", "u": "integers"}


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a model: what its signature says, and between which sizes the program was exported."""

    tensor: Tensor
    bounds: tuple[tuple[int, int | None], ...]
    """Least and greatest size of each dimension; None where there is no greatest."""

    @property
    def name(self) -> str:
        """Name of the input."""
        return self.tensor.name


@dataclass(frozen=True, slots=True)
class Interface:
    """What a loaded model takes and gives."""

    inputs: tuple[Input, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, signature: Signature) -> "Interface":
        """The interface of a signature, with no bounds but its own."""
        inputs = tuple(Input(t, tuple(_bounds(size) for size in t.shape)) for t in signature.inputs)
        return cls(inputs, signature.outputs)


def _bounds(size: int) -> tuple[int, int | None]:
    return (0, None) if size < 0 else (size, size)


def tensor_of(data: Any, wanted: Input, shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
    """A tensor for an input of a model.

    Args:
        data: Nested lists of numbers, or an array.
        wanted: The input.
        shape: What the request says the shape is; without it, the nesting decides.

    Raises:
        InvalidInput: The data does not fit; says what was found and what is allowed.
    """
    array = _numbers(data, wanted)
    if shape is not None:
        array = _reshaped(array, shape, wanted)
    _check_shape(array.shape, wanted)
    return _converted(array, wanted)


def _numbers(data: Any, wanted: Input) -> np.ndarray[Any, Any]:
    """The data as an array of numbers; an empty list counts as numbers of any kind."""
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            f"input {wanted.name!r}: rows have different lengths; allowed: shape {list(wanted.tensor.shape)}"
        ) from error
    allowed = "iu" if wanted.tensor.datatype.startswith("INT") else "iuf"
    if array.dtype.kind not in allowed and array.size:
        found = _FOUND.get(array.dtype.kind, "null, objects or very large numbers")
        kind = "integers" if allowed == "iu" else "numbers"
        raise InvalidInput(
            f"input {wanted.name!r}: found {found}; allowed: {kind} ({wanted.tensor.datatype})"
        )
    return array


def _reshaped(array: np.ndarray[Any, Any], shape: tuple[int, ...], wanted: Input) -> np.ndarray[Any, Any]:
    """The data in the shape that the request announces."""
    if any(size < 0 for size in shape) or array.size != int(np.prod(shape, dtype=object)):
        raise InvalidInput(
            f"input {wanted.name!r}: found {array.size} numbers for shape {list(shape)}; "
            "allowed: as many numbers as the shape has elements"
        )
    return array.reshape(shape)


def _check_shape(shape: tuple[int, ...], wanted: Input) -> None:
    fits = len(shape) == len(wanted.bounds) and all(
        least <= size and (most is None or size <= most)
        for size, (least, most) in zip(shape, wanted.bounds, strict=True)
    )
    if not fits:
        allowed = ", ".join(_size_text(least, most) for least, most in wanted.bounds)
        raise InvalidInput(f"input {wanted.name!r}: found shape {list(shape)}; allowed: [{allowed}]")


def _size_text(least: int, most: int | None) -> str:
    """A range of sizes for people: ``64``, ``any``, ``1 or more``, ``1 to 32``."""
    if least == most:
        return str(least)
    if most is None:
        return f"{least} or more" if least else "any"
    return f"{least} to {most}"


def _converted(array: np.ndarray[Any, Any], wanted: Input) -> np.ndarray[Any, Any]:
    """The numbers in the type that the model takes; none may change by more than rounding."""
    dtype = DTYPES[wanted.tensor.datatype]
    if dtype.kind == "i":
        limits = np.iinfo(dtype)
        too_big = array.size and (array.min() < limits.min or array.max() > limits.max)
        converted = array.astype(dtype)
    else:
        with np.errstate(over="ignore"):
            converted = array.astype(dtype)
        too_big = array.size and np.isinf(converted).any() and not np.isinf(array).any()
    if too_big:
        allowed = wanted.tensor.datatype
        raise InvalidInput(f"input {wanted.name!r}: found a number out of range; allowed: {allowed}")
    return converted
