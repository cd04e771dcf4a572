"""Which records belong to a slice. What a slice may be about is known before any data are read.

A record without a value in the column belongs to no slice of it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import Slice
from mlplane.errors import BadData, InvalidInput

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

_INT64 = range(-(2**63), 2**63)


def _whole(text: str) -> int:
    if (number := int(text)) not in _INT64:
        raise ValueError
    return number


_BOOLEANS = {"true": True, "false": False}
_PARSERS: dict[str, Callable[[str], Any]] = {
    "Integer": _whole,
    "Number": float,
    "String": str,
    "Boolean": _BOOLEANS.__getitem__,
}
_ALLOWED = {
    "Integer": "whole numbers",
    "Number": "numbers",
    "String": "texts",
    "Boolean": "true and false",
}


def check_slice(part: Slice, columns: Sequence[DataColumn]) -> None:
    """Whether a slice can be told by the columns of a dataset.

    Raises:
        InvalidInput: it cannot; names the slice, what was found and what is allowed.
    """
    column = next((column for column in columns if column.name == part.column), None)
    where = f"slice {part.name!r}: column {part.column!r}"
    if column is None:
        raise BadData(f"{where} is not in the dataset: it has {', '.join(c.name for c in columns)}")
    if column.width is not None or column.type not in _PARSERS:
        raise BadData(f"{where} must hold single values of the types {', '.join(_PARSERS)}")
    if part.values is None and column.type not in ("Integer", "Number"):
        raise InvalidInput(f"{where} is of the type {column.type}: min and below are for numbers; use values")
    for value in part.values or ():
        _parsed(value, column.type, where)


def members(part: Slice, column: DataColumn, values: "Array") -> "Array":
    """Which records belong to a slice, as booleans.

    Args:
        part: The slice, checked.
        column: Its column.
        values: Of the column, one for each record.
    """
    import numpy as np

    if part.values is not None:
        named = [_parsed(value, column.type, part.name) for value in part.values]
        wanted = set(np.array(named, dtype=values.dtype).tolist())  # 0.1 as the column has it
        return np.fromiter((value in wanted for value in values.tolist()), dtype=bool, count=len(values))
    mask = ~np.isnan(values)
    if part.min is not None:
        mask &= values >= float(part.min)
    if part.below is not None:
        mask &= values < float(part.below)
    return mask


def _parsed(text: str, kind: str, where: str) -> Any:
    try:
        return _PARSERS[kind](text)
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{where} has values of the type {kind}: use {_ALLOWED[kind]}") from error
