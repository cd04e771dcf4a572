"""A record's canonical form, and the split that follows from it.

The canonical form is the values, each written in one way (``05`` is ``5``, ``1e1`` of a Number is ``10.0``),
joined by commas. The split follows from the sha256 of that form alone: equal records stay together, and a
record stays where it is when others come and go.

Called by ``training.records``. Pure.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from mlplane.api.dataset import DataColumn, SplitSpec
from mlplane.training.checks import Checks

INT64 = range(-(2**63), 2**63)
REMEMBERED = 4096
"""Texts of a column whose canonical form is kept: data sets repeat themselves."""


def field_names(columns: Iterable[DataColumn]) -> list[str]:
    """One name for each field of a record: its column's, with ``_0``, ``_1``, … for those of a vector."""
    return [
        column.name if column.width is None else f"{column.name}_{index}"
        for column in columns
        for index in range(column.width or 1)
    ]


def splitter(splits: Sequence[SplitSpec]) -> Callable[[str], str]:
    """The function from a canonical record to its split: 100 buckets, shared out in the order of the spec."""
    buckets = [split.name for split in splits for _ in range(split.percent)]

    def split_of(text: str) -> str:
        return buckets[int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % len(buckets)]

    return split_of


def canonicaliser(
    columns: Sequence[DataColumn], checks: Checks
) -> Callable[[int, Sequence[str]], str | None]:
    """The function from row number and fields to the canonical record; None where the width is wrong.

    It tells ``checks`` of every value that breaks a rule.
    """
    parsers = [(column, _parser(column)) for column in columns]
    fields = [(column.name, parse) for column, parse in parsers for _ in range(column.width or 1)]

    def canonical(row: int, values: Sequence[str]) -> str | None:
        if len(values) != len(fields):
            checks.fail("(all)", f"width: {len(fields)} values in a record", row)
            return None
        texts = []
        for (name, parse), value in zip(fields, values, strict=True):
            text, broken = parse(value)
            if broken:
                checks.fail(name, broken, row)
            texts.append(text)
        return ",".join(texts)

    return canonical


def _parser(column: DataColumn) -> Callable[[str], tuple[str, str]]:
    """The function from a field to its canonical text, and the rule that it breaks or an empty string."""
    check = _checker(column)
    known: dict[str, tuple[str, str]] = {}

    def parse(value: str) -> tuple[str, str]:
        found = known.get(value)
        if found is None:
            found = check(value)
            if len(known) < REMEMBERED:
                known[value] = found
        return found

    return parse


def _checker(column: DataColumn) -> Callable[[str], tuple[str, str]]:
    low = None if column.minimum is None else Decimal(column.minimum)
    high = None if column.maximum is None else Decimal(column.maximum)
    convert: Callable[[str], int | float] = _integer if column.type == "Integer" else _number

    def check(value: str) -> tuple[str, str]:
        try:
            number = convert(value)
        except ValueError:
            return "", f"type: {column.type}"
        if low is not None and number < low:
            return "", f"minimum: {column.minimum}"
        if high is not None and number > high:
            return "", f"maximum: {column.maximum}"
        return repr(number), ""

    return check


def _integer(value: str) -> int:
    number = int(_plain(value))
    if number not in INT64:
        raise ValueError
    return number


def _number(value: str) -> float:
    number = float(_plain(value))
    if not math.isfinite(number):
        raise ValueError
    return number + 0.0  # -0.0 and 0.0 are one value


def _plain(value: str) -> str:
    """Python reads ``1_000`` and digits of other scripts as numbers; other readers of CSV do not."""
    if len(value) > 64 or "_" in value or not value.isascii():
        raise ValueError
    return value
