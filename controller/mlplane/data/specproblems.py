"""What contradicts itself in the spec of a Dataset, beyond what the API server refuses. Pure.

Called by ``gitops.validate``, so that it is told before a commit, by ``steps.ingest`` before anything is
read, and by ``training.outside``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from mlplane.api.dataset import DataColumn, DatasetSpec, SplitBy
from mlplane.data.fitness import require_fitting
from mlplane.data.layout import columns_of
from mlplane.errors import InvalidInput

_SPLITTING = {"Time": ("Timestamp",), "Column": ("String", "Integer", "Boolean")}


class Problem(NamedTuple):
    """Something that cannot be meant."""

    field: str
    """Path of the field, such as ``spec.splits[1].until``."""
    sentence: str


def require_sound(spec: DatasetSpec) -> None:
    """Refuse a spec that contradicts itself.

    Raises:
        InvalidInput: names each problem with its field.
    """
    if found := problems(spec):
        raise InvalidInput("; ".join(f"{problem.field}: {problem.sentence}" for problem in found))


def problems(spec: DatasetSpec) -> list[Problem]:
    """All problems of splits, and the first one of columns and checks."""
    found = list(_of_splitting(spec))
    try:
        require_fitting(columns_of(spec), spec.checks)
    except InvalidInput as error:
        field, _, sentence = str(error).partition(": ")
        found.append(Problem(field, sentence))
    return found


def _of_splitting(spec: DatasetSpec) -> Iterator[Problem]:
    by = spec.split_by or SplitBy(method="Hash")
    column = next((column for column in columns_of(spec) if column.name == by.column), None)
    if by.column is not None and column is None:
        known = ", ".join(column.name for column in columns_of(spec))
        yield Problem("spec.splitBy.column", f"found {by.column!r}, which is no column; allowed: {known}")
        return
    if by.method != "Hash" and column is None:
        yield Problem("spec.splitBy.column", f"must be set for the method {by.method}")
    if by.method == "Hash":
        for index, split in enumerate(spec.splits):
            if split.percent is None:
                yield Problem(f"spec.splits[{index}].percent", "must be set where a hash decides the split")
    elif column is not None:
        yield from _of_column(by.method, column)
        yield from _of_moments(spec) if by.method == "Time" else _of_values(spec, column)


def _of_column(method: str, column: DataColumn) -> Iterator[Problem]:
    """The column that decides must have a value of a fitting type in each record."""
    allowed = _SPLITTING[method]
    if column.type not in allowed or column.width is not None:
        what = f"a vector of {column.type}" if column.width else column.type
        sentence = f"{column.name} is {what}; the method {method} takes {' or '.join(allowed)}"
        yield Problem("spec.splitBy.column", sentence)
    if column.nulls == "Allowed":
        sentence = f"values of {column.name} may be missing; what decides the split must be there"
        yield Problem("spec.splitBy.column", sentence)


def _of_moments(spec: DatasetSpec) -> Iterator[Problem]:
    before: datetime | None = None
    for index, split in enumerate(spec.splits):
        field, is_last = f"spec.splits[{index}].until", index == len(spec.splits) - 1
        if is_last and split.until is not None:
            yield Problem(field, "must not be set for the last split, which takes what is left")
        if not is_last and split.until is None:
            yield Problem(field, "must be set for each split but the last")
        moment = _moment(split.until) if split.until else None
        if split.until and moment is None:
            yield Problem(field, f"found {split.until}, which is no day of the calendar")
        if moment and before and moment <= before:
            yield Problem(field, f"found {split.until}, which is not after that of the split before")
        before = moment or before


def _of_values(spec: DatasetSpec, column: DataColumn) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for index, split in enumerate(spec.splits):
        field = f"spec.splits[{index}].values"
        if not split.values and index < len(spec.splits) - 1:
            yield Problem(field, "must be set for each split but the last, which may take what is left")
        for place, value in enumerate(split.values):
            if value in seen:
                yield Problem(
                    f"{field}[{place}]", f"found {value!r}, which split {seen[value]} takes already"
                )
            if not _is_value(value, column):
                yield Problem(f"{field}[{place}]", f"found {value!r}, which no {column.type} is written like")
            seen.setdefault(value, split.name)


def _is_value(value: str, column: DataColumn) -> bool:
    """Whether a value of a column can be written so: a number without leading zeros, true or false."""
    if column.type == "Boolean":
        return value in ("true", "false")
    if column.type == "Integer":
        return value.removeprefix("-").isdecimal() and value.isascii() and str(int(value)) == value
    return True


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
