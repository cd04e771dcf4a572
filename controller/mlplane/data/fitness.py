"""Whether the checks of a manifest fit its columns: found out before anything is read. Pure.

Called by ``data.checks``. Messages name the field's path in the manifest, what was found and what is allowed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from mlplane.api.datacheck import Check
from mlplane.api.dataset import DataColumn
from mlplane.errors import InvalidInput

_NUMBERS = ("Integer", "Number")
_FITTING = {
    "range": _NUMBERS,
    "enum": ("String", "Integer", "Boolean"),
    "regex": ("String",),
    "freshness": ("Timestamp",),
    "distribution": ("Integer", "Number", "Timestamp", "String", "Boolean"),
}
_ORDERED = ("Integer", "Number", "Timestamp")


def require_fitting(columns: Sequence[DataColumn], checks: Sequence[Check]) -> None:
    """Refuse bounds and checks that do not fit.

    Args:
        columns: The columns of a record.
        checks: ``spec.checks``.

    Raises:
        InvalidInput: a column is not there, its type does not fit, or bounds are missing or contradict.
    """
    for index, column in enumerate(columns):
        _require_bounds(column, f"spec.columns[{index}]")
    known = {column.name: column for column in columns}
    for index, check in enumerate(checks):
        _require_fitting_check(check, known, f"spec.checks[{index}]")


def _require_bounds(column: DataColumn, field: str) -> None:
    if column.type not in _NUMBERS and (column.minimum is not None or column.maximum is not None):
        name = "maximum" if column.minimum is None else "minimum"
        raise InvalidInput(
            f"{field}.{name}: found in column {column.name} of the type {column.type}; allowed for "
            f"{_listed(_NUMBERS)}: remove it"
        )
    _require_order(column.minimum, column.maximum, f"{field}.minimum")


def _require_fitting_check(check: Check, known: Mapping[str, DataColumn], field: str) -> None:
    for index, name in enumerate(check.unique.columns if check.unique else ()):
        _require_known(name, known, f"{field}.unique.columns[{index}]")
    if check.rows:
        _require_bound(check.rows.min, check.rows.max, f"{field}.rows")
    if check.range:
        _require_bound(check.range.min, check.range.max, f"{field}.range")
    if check.column is None:
        return
    _require_known(check.column, known, f"{field}.column")
    column = known[check.column]
    _require_type(check, column, field)
    for index, value in enumerate(check.enum.values if check.enum else ()):
        _require_value(value, column, f"{field}.enum.values[{index}]")


def _require_type(check: Check, column: DataColumn, field: str) -> None:
    for kind, types in _FITTING.items():
        if getattr(check, kind) is None:
            continue
        if column.type not in types:
            raise InvalidInput(
                f"{field}.{kind}: column {column.name} has the type {column.type}; allowed: {_listed(types)}"
            )
        if kind == "freshness" and column.width is not None:
            raise InvalidInput(f"{field}.{kind}: column {column.name} holds vectors; allowed: single values")
    if check.distribution and check.distribution.statistic == "KS" and column.type not in _ORDERED:
        raise InvalidInput(
            f"{field}.distribution.statistic: KS needs an order, and column {column.name} has the type "
            f"{column.type}; allowed for it: PSI"
        )


def _require_known(name: str, known: Mapping[str, DataColumn], field: str) -> None:
    if name not in known:
        raise InvalidInput(f"{field}: found {name!r}, which is no column; allowed: {', '.join(known)}")


def _require_bound(low: str | int | None, high: str | int | None, field: str) -> None:
    if low is None and high is None:
        raise InvalidInput(f"{field}: found neither min nor max; set one of them or both")
    _require_order(low, high, f"{field}.min")


def _require_order(low: str | int | None, high: str | int | None, field: str) -> None:
    if low is not None and high is not None and Decimal(low) > Decimal(high):
        raise InvalidInput(f"{field}: found {low}, which is above the largest allowed value {high}")


def _require_value(value: str, column: DataColumn, field: str) -> None:
    if column.type == "Boolean" and value not in ("true", "false"):
        raise InvalidInput(f"{field}: found {value!r} for column {column.name}; allowed: true and false")
    if column.type == "Integer" and not _is_whole(value):
        raise InvalidInput(
            f"{field}: found {value!r} for column {column.name}; allowed: whole numbers such as 7"
        )


def _is_whole(value: str) -> bool:
    """Whether a text is a whole number as it is written shortest."""
    try:
        return str(int(value)) == value
    except ValueError:
        return False


def _listed(types: Sequence[str]) -> str:
    *most, last = types
    return f"{', '.join(most)} and {last}" if most else last
