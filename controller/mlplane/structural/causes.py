"""Causes of an invalid object, worded as apimachinery's ``field.Error`` words them.

``valuechecks``, ``celrules`` and ``crdchecks`` make causes with these.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ROOT = "<nil>"
"""What stands for the field when the whole object is meant."""

OMIT: Any = object()
"""A value that a message shall not show."""

Path = tuple[Any, ...]
"""Where a value stands: nested pairs (parent, step), so that going down costs nothing; () is the root.
A step is the name of a property, the index in a list or a MapKey."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong, with the path of the field."""

    reason: str
    """FieldValueInvalid, FieldValueRequired, FieldValueNotSupported, FieldManagerConflict, …"""
    field: str
    message: str
    detail: str = ""
    """The message without its label and the value."""


class MapKey(str):
    """A step into a map, which some messages write in brackets."""

    __slots__ = ()


def below(path: Path, step: str | int) -> Path:
    """The path of a child."""
    return (path, step)


def dotted(path: Path, *, brackets: bool = False) -> str:
    """The path as text: ``spec.list[0].key``; with brackets, keys of maps are ``spec.map[key]``."""
    steps: list[str] = []
    while path:
        path, step = path
        indexed = isinstance(step, int) or (brackets and isinstance(step, MapKey))
        steps.append(f"[{step}]" if indexed else f".{step}")
    return "".join(reversed(steps)).removeprefix(".")


def shown(value: Any) -> str:
    """A value as messages show it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return _float(value)
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, str):
        return _ESCAPE.sub(lambda found: found[1] or rf"\x{found[2]}", text)
    return _HTML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _float(value: float) -> str:
    """As Go's ``%g``: the fewest digits, with an exponent from a million on."""
    mantissa, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
    if -4 <= int(exponent) < 6:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{exponent[0]}{exponent[1:].zfill(2)}"


_HTML = re.compile("[<>&]")
_ESCAPE = re.compile(r"(\\\\)|\\u00([01][0-9a-f])")
"""What JSON and Go write differently; an escaped backslash is none of it."""


def _cause(reason: str, label: str, field: str, value: Any, detail: str) -> Cause:
    message = label if value is OMIT else f"{label}: {shown(value)}"
    return Cause(reason, field or ROOT, f"{message}: {detail}" if detail else message, detail)


def invalid(field: str, value: Any, detail: str) -> Cause:
    """A malformed value."""
    return _cause("FieldValueInvalid", "Invalid value", field, value, detail)


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    """A value of another type than the schema says."""
    return _cause("FieldValueTypeInvalid", "Invalid value", field, value, detail)


def required(field: str, detail: str = "") -> Cause:
    """A missing value."""
    return _cause("FieldValueRequired", "Required value", field, OMIT, detail)


def duplicate(field: str, value: Any) -> Cause:
    """A value that occurs twice where it must not."""
    return _cause("FieldValueDuplicate", "Duplicate value", field, value, "")


def forbidden(field: str, detail: str) -> Cause:
    """A value that could be right, but not here and now."""
    return _cause("FieldValueForbidden", "Forbidden", field, OMIT, detail)


def internal(field: str, detail: str) -> Cause:
    """Something that the server cannot do."""
    return _cause("InternalError", "Internal error", field, OMIT, detail)


def not_supported(field: str, value: Any, allowed: Iterable[Any]) -> Cause:
    """A value outside of an enumeration."""
    listed = ", ".join(json.dumps(v if isinstance(v, str) else shown(v), ensure_ascii=False) for v in allowed)
    return _cause("FieldValueNotSupported", "Unsupported value", field, value, f"supported values: {listed}")


def too_long(field: str, limit: int) -> Cause:
    """A string with too many characters."""
    detail = f"may not be more than {limit} byte{'' if limit == 1 else 's'}"
    return _cause("FieldValueTooLong", "Too long", field, OMIT, detail)


def too_many(field: str, size: int, limit: int) -> Cause:
    """A list or a map with too many items."""
    detail = f"must have at most {limit} item{'' if limit == 1 else 's'}"
    return _cause("FieldValueTooMany", "Too many", field, size, detail)
