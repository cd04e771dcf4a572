"""Values of a batch as they were found, and as their column wants them.

Each format hands over the flat values of a column: ``rows * width`` of them. What does not fit becomes null
and is marked. Called by the readers of the formats.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
_EARLIEST, _LATEST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""Microseconds from 1970 to the first moment of the year 1, and to the last one of the year 9999."""


@dataclass(frozen=True)
class Values:
    """The flat values of a column in a batch of records."""

    array: pa.Array
    """Of the type of the column's values; null where a value is missing or does not fit."""
    bad: Flags
    """Which values do not fit."""
    short: Flags | None = None
    """Which records have a vector of another width; None if none has."""


@dataclass(frozen=True)
class Batch:
    """Records that stand one after another in a raw file."""

    rows: NDArray[np.int64]
    """Their numbers in the dataset."""
    columns: list[Values]


def cast(array: pa.Array, target: pa.DataType, bad: Flags | None = None) -> Values:
    """Change the type of values, without rounding; those that cannot be changed are marked.

    Args:
        array: The values.
        target: The type that they are to have.
        bad: Values that are known not to fit; they are null in ``array``.
    """
    flags = np.zeros(len(array), dtype=np.bool_) if bad is None else bad
    try:
        return marked(Values(array.cast(target), flags))
    except pa.ArrowInvalid:
        misfits = np.array(_misfits(array, target, 0), dtype=np.int64)
    flags = flags.copy()
    flags[misfits] = True
    return marked(Values(without(array, flags).cast(target), flags))


def marked(values: Values) -> Values:
    """Values of the right type; numbers that are not finite are marked, and -0.0 becomes 0.0.

    So are moments before the year 1 and after 9999, which few programs can hold.
    """
    if pa.types.is_timestamp(values.array.type):
        return _within_the_calendar(values)
    if not pa.types.is_floating(values.array.type):
        return values
    infinite = flags_of(pc.invert(pc.is_finite(values.array)))
    array = pc.add(values.array, 0.0)
    if not infinite.any():
        return Values(array, values.bad, values.short)
    bad = values.bad | infinite
    return Values(without(array, bad), bad, values.short)


def _within_the_calendar(values: Values) -> Values:
    numbers = values.array.cast(pa.int64())
    outside = flags_of(pc.or_(pc.less(numbers, _EARLIEST), pc.greater(numbers, _LATEST)))
    if not outside.any():
        return values
    bad = values.bad | outside
    return Values(without(values.array, bad), bad, values.short)


def without(array: pa.Array, bad: Flags) -> pa.Array:
    """The array with null in some places."""
    return pc.if_else(pa.array(~bad), array, pa.scalar(None, array.type))


def flags_of(array: pa.Array) -> Flags:
    """A boolean array; null is false."""
    flags: Flags = pc.fill_null(array, False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    return flags


def _misfits(array: pa.Array, target: pa.DataType, start: int) -> list[int]:
    """Where the values are that cannot be changed: found by halving, since most can."""
    try:
        array.cast(target)
    except pa.ArrowInvalid:
        if len(array) == 1:
            return [start]
        half = len(array) // 2
        return _misfits(array[:half], target, start) + _misfits(array[half:], target, start + half)
    return []
