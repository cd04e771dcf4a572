"""The functions of Kubernetes' CEL for quantities and semantic versions. ``cellibrary`` declares them.

A quantity is the map {"quantity": canonical number}, a version {"semver": text}: equal ones are equal.
Both are compared with functions of the same names, so these look at what they got.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from cel_expr_python import cel

_T = cel.Type
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?")
_DECIMAL_SUFFIXES = {s: Decimal(1000) ** n for n, s in enumerate(("", "k", "M", "G", "T", "P", "E"))}
_SMALL_SUFFIXES = {s: Decimal(1000) ** -n for n, s in enumerate(("m", "u", "n"), start=1)}
_BINARY_SUFFIXES = {f"{s}i": Decimal(1024) ** n for n, s in enumerate("KMGTPE", start=1)}
_FACTORS = _DECIMAL_SUFFIXES | _SMALL_SUFFIXES | _BINARY_SUFFIXES
_NUMBER = r"(0|[1-9][0-9]*)"
_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_PART}(?:\.{_PART})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


def _quantity(text: str) -> dict[str, str]:
    found = _QUANTITY.fullmatch(text)
    if not found:
        raise ValueError(
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    number, suffix = found.group(1), found.group(2) or ""
    if suffix in _FACTORS:
        return _amount(Decimal(number) * _FACTORS[suffix])
    return _amount(Decimal(number + suffix))


def _amount(value: Decimal) -> dict[str, str]:
    return {"quantity": format(value.normalize(), "f")}


def _number(quantity: Any) -> Decimal:
    return Decimal(str(quantity["quantity"]))


def _plus(sign: int) -> Callable[[Any, Any], dict[str, str]]:
    def apply(first: Any, second: Any) -> dict[str, str]:
        other = Decimal(second) if isinstance(second, int) else _number(second)
        return _amount(_number(first) + sign * other)

    return apply


def _as_integer(quantity: Any) -> int:
    value = _number(quantity)
    if value != value.to_integral_value():
        raise ValueError("cannot convert value to integer")
    return int(value)


def _semver(text: str, normalise: bool = False) -> dict[str, str]:  # noqa: FBT001, FBT002 - CEL passes it so
    if normalise:
        text = _normal(text)
    if not _SEMVER.fullmatch(text):
        raise ValueError(f"invalid semantic version: {text}")
    return {"semver": text}


def _normal(text: str) -> str:
    """Without a ``v``, with all three numbers and none of them padded."""
    numbers, *rest = re.split(r"(?=[-+])", text.removeprefix("v"), maxsplit=1)
    parts = [part.lstrip("0") or "0" for part in numbers.split(".")]
    return ".".join([*parts, "0", "0"][: max(3, len(parts))]) + "".join(rest)


def _version(value: Any) -> tuple[Any, ...]:
    """A key by which versions are in order; a release comes after what led to it."""
    found = _SEMVER.fullmatch(str(value["semver"]))
    assert found is not None  # noqa: S101 - made by ``_semver``
    numbers = tuple(int(found.group(place)) for place in (1, 2, 3))
    if not (before := found.group(4)):
        return (*numbers, 1, ())
    parts = tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in before.split("."))
    return (*numbers, 0, parts)


def _compare(first: Any, second: Any) -> int:
    a: Any = _version(first) if "semver" in first else _number(first)
    b: Any = _version(second) if "semver" in second else _number(second)
    return int(a > b) - int(a < b)


def _succeeds(parse: Callable[..., Any]) -> Callable[..., bool]:
    def check(*arguments: Any) -> bool:
        try:
            parse(*arguments)
        except (ValueError, InvalidOperation):
            return False
        return True

    return check


_COMPARED: tuple[tuple[str, Any, Callable[..., Any]], ...] = (
    ("isLessThan", _T.BOOL, lambda a, b: _compare(a, b) < 0),
    ("isGreaterThan", _T.BOOL, lambda a, b: _compare(a, b) > 0),
    ("compareTo", _T.INT, _compare),
)
FUNCTIONS: tuple[tuple[str, Any, tuple[Any, ...], Callable[..., Any], bool], ...] = (
    ("quantity", "Quantity", (_T.STRING,), _quantity, False),
    ("isQuantity", _T.BOOL, (_T.STRING,), _succeeds(_quantity), False),
    ("sign", _T.INT, ("Quantity",), lambda q: _compare(q, {"quantity": "0"}), True),
    ("isInteger", _T.BOOL, ("Quantity",), lambda q: _number(q) == _number(q).to_integral_value(), True),
    ("asInteger", _T.INT, ("Quantity",), _as_integer, True),
    ("asApproximateFloat", _T.DOUBLE, ("Quantity",), lambda q: float(_number(q)), True),
    ("add", "Quantity", ("Quantity", "Quantity"), _plus(1), True),
    ("add", "Quantity", ("Quantity", _T.INT), _plus(1), True),
    ("sub", "Quantity", ("Quantity", "Quantity"), _plus(-1), True),
    ("sub", "Quantity", ("Quantity", _T.INT), _plus(-1), True),
    *(
        (name, result, (kind, kind), f, True)
        for kind in ("Quantity", "Semver")
        for name, result, f in _COMPARED
    ),
    ("semver", "Semver", (_T.STRING,), _semver, False),
    ("semver", "Semver", (_T.STRING, _T.BOOL), _semver, False),
    ("isSemver", _T.BOOL, (_T.STRING,), _succeeds(_semver), False),
    ("isSemver", _T.BOOL, (_T.STRING, _T.BOOL), _succeeds(_semver), False),
    ("major", _T.INT, ("Semver",), lambda v: _version(v)[0], True),
    ("minor", _T.INT, ("Semver",), lambda v: _version(v)[1], True),
    ("patch", _T.INT, ("Semver",), lambda v: _version(v)[2], True),
)
"""Name, result, parameters, implementation, and whether the first parameter stands before the dot."""
