"""Values of expressions: equality, order, arithmetic and literals, without conversions. Pure.

Called by ``exprlang.py``.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from mlplane.local.workflows.exprfunctions import ExpressionError
from mlplane.local.workflows.exprguard import matches

SPAN_LIMIT = 1_000_000
"""Numbers in a range; more would only fill the memory."""
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names = {int: "int", float: "float64", str: "string", list: "[]interface {}", type(None): "<nil>"}
    return names.get(type(value), "map[string]interface {}")


def _numbers(left: Any, right: Any) -> bool:
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in (left, right))


def _same(left: Any, right: Any) -> bool:
    """Equality without conversion: a number never equals a string, nor true the number 1."""
    return bool(left == right) and (_kind(left) == _kind(right) or _numbers(left, right))


def contained(left: Any, right: Any) -> bool:
    """Whether a list has the value, or a map the key."""
    if isinstance(right, dict):
        return left in right
    return any(_same(left, each) for each in right or ())


_ORDERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "matches": matches,
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}


def apply(sign: str, left: Any, right: Any) -> Any:
    """What an infix operator makes of two values. Raises ExpressionError."""
    if sign in ("==", "!="):
        return _same(left, right) == (sign == "==")
    if sign == "in":
        return contained(left, right)
    strings = isinstance(left, str) and isinstance(right, str)
    try:
        if sign in _TEXT and strings:
            return _TEXT[sign](left, right)
        if sign in _ORDERS and (strings or _numbers(left, right)):
            return _ORDERS[sign](left, right)
        if sign in _ARITHMETIC and (_numbers(left, right) or (strings and sign == "+")):
            return _ARITHMETIC[sign](left, right)
    except ZeroDivisionError as error:
        raise ExpressionError(str(error)) from None
    message = f"invalid operation: {sign} (mismatched types {_kind(left)} and {_kind(right)})"
    raise ExpressionError(message)


def truth(value: Any, sign: str) -> bool:
    """A value that an operator needs to be a bool. Raises ExpressionError."""
    if not isinstance(value, bool):
        message = f"invalid operation: {sign} (mismatched type {_kind(value)}, a bool is needed)"
        raise ExpressionError(message)
    return value


def fetch(value: Any, key: Any) -> Any:
    """A field of a map, None if it has none, or an element of a list. Raises ExpressionError."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    message = f"cannot fetch {key} from {_kind(value)}"
    raise ExpressionError(message)


def span(start: Any, end: Any) -> list[int]:
    """``start..end``. Raises ExpressionError."""
    if not isinstance(start, int) or not isinstance(end, int) or end - start > SPAN_LIMIT:
        message = f"{start}..{end} is no range of at most {SPAN_LIMIT} numbers"
        raise ExpressionError(message)
    return [*range(start, end + 1)]


def power(base: Any, exponent: Any) -> float:
    """``base ** exponent``. Raises ExpressionError."""
    try:
        return math.pow(float(base), float(exponent))
    except (TypeError, ValueError, ArithmeticError) as error:
        message = f"{base} ** {exponent}: {error}"
        raise ExpressionError(message) from None


def unquoted(text: str) -> str:
    """The string that a literal stands for."""
    inner = text[1:-1]
    if text[0] == "`":
        return inner
    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", _unescaped, inner, flags=re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    return chr(int(code[1:], 16)) if len(code) > 1 else _ESCAPES.get(code, code)


def number(text: str) -> int | float:
    """The number that a literal stands for."""
    plain = text.replace("_", "")
    return int(plain, 0) if plain.isdigit() or plain.startswith("0x") else float(plain)
