"""The functions of expressions: expr-lang's own that need no clock, and Argo's. Pure; see ``exprlang.py``."""

import base64
import json
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jsonpath as jsonpaths

from mlplane.errors import Terminal
from mlplane.local.workflows.gotext import compact, text_of

REPEAT_LIMIT = 1_000_000
"""Characters that ``repeat`` makes; more would only fill the memory."""


class ExpressionError(Terminal):
    """An expression that has no value."""


@dataclass(frozen=True)
class Scope:
    """What names stand for, and the element that a predicate looks at."""

    names: Mapping[str, Any]
    element: Any = None

    def variable(self, name: str) -> Any:
        """The value of a name. Raises ExpressionError if it is not known."""
        if name not in self.names:
            message = f"unknown name {name}"
            raise ExpressionError(message)
        return self.names[name]


Predicate = Callable[[Scope], Any]


def _kept(scope: Scope, items: Any, test: Predicate | None) -> list[Any]:
    """Those for which the test holds."""
    if not isinstance(items, list):
        message = f"a list is needed, found {text_of(items)}"
        raise ExpressionError(message)
    return [each for each in items if test is None or test(replace(scope, element=each)) is True]


PREDICATES: Mapping[str, Callable[..., Any]] = {
    "filter": _kept,
    "map": lambda scope, items, change: [change(replace(scope, element=each)) for each in items],
    "all": lambda scope, items, test: len(_kept(scope, items, test)) == len(items),
    "any": lambda scope, items, test: bool(_kept(scope, items, test)),
    "none": lambda scope, items, test: not _kept(scope, items, test),
    "one": lambda scope, items, test: len(_kept(scope, items, test)) == 1,
    "find": lambda scope, items, test: next(iter(_kept(scope, items, test)), None),
    "count": lambda scope, items, test=None: len(
        _kept(scope, items, test or (lambda inner: inner.element is True))
    ),
}
"""Functions whose second argument is evaluated for each element."""


def _int(value: Any) -> int:
    try:
        return int(value, 0) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        message = f"invalid operation: int({text_of(value)!r})"
        raise ExpressionError(message) from None


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        message = f"invalid operation: float({text_of(value)!r})"
        raise ExpressionError(message) from None


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        message = f"{text!r} is no JSON: {error}"
        raise ExpressionError(message) from None


def _jsonpath(text: str, path: str) -> Any:
    """The value at a path; a list of values for a path that may lead to several."""
    document = _from_json(text)
    try:
        compiled = jsonpaths.compile(path)
        found = compiled.findall(document)
    except jsonpaths.JSONPathError as error:
        message = f"JSONPath {path!r}: {error}"
        raise ExpressionError(message) from None
    if not isinstance(compiled, jsonpaths.JSONPath) or not compiled.singular_query():
        return found
    if not found:
        message = f"JSONPath {path!r}: there is no such value"
        raise ExpressionError(message)
    return found[0]


def _flat(items: Any) -> list[Any]:
    return [inner for each in items for inner in (_flat(each) if isinstance(each, list) else [each])]


def _repeat(text: str, count: int) -> str:
    if len(text) * count > REPEAT_LIMIT:
        message = f"more than {REPEAT_LIMIT} characters"
        raise ValueError(message)
    return text * count


def _get(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(key, int) and -len(value) <= key < len(value) else None


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "asInt": _int,
    "int": _int,
    "asFloat": _float,
    "float": _float,
    "string": text_of,
    "toJson": compact,
    "toJSON": lambda value: json.dumps(value, indent=2, ensure_ascii=False),
    "fromJSON": _from_json,
    "jsonpath": _jsonpath,
    "len": len,
    "abs": abs,
    "ceil": lambda value: float(math.ceil(value)),
    "floor": lambda value: float(math.floor(value)),
    "round": lambda value: float(math.floor(value + 0.5)),
    "max": lambda *values: max(_flat(values)),
    "min": lambda *values: min(_flat(values)),
    "sum": sum,
    "mean": statistics.fmean,
    "trim": lambda text, chars=None: text.strip(chars),
    "trimPrefix": lambda text, prefix=" ": text.removeprefix(prefix),
    "trimSuffix": lambda text, suffix=" ": text.removesuffix(suffix),
    "upper": str.upper,
    "lower": str.lower,
    "split": lambda text, mark, limit=0: text.split(mark, limit - 1 if limit > 0 else -1),
    "replace": lambda text, old, new: text.replace(old, new),
    "repeat": _repeat,
    "join": lambda items, mark="": mark.join(items),
    "indexOf": str.find,
    "lastIndexOf": str.rfind,
    "hasPrefix": str.startswith,
    "hasSuffix": str.endswith,
    "toBase64": lambda text: base64.b64encode(text.encode()).decode(),
    "fromBase64": lambda text: base64.b64decode(text).decode(),
    "first": lambda items: items[0] if items else None,
    "last": lambda items: items[-1] if items else None,
    "take": lambda items, count: items[:count],
    "get": _get,
    "keys": list,
    "values": lambda items: list(items.values()),
    "toPairs": lambda items: [[key, value] for key, value in items.items()],
    "fromPairs": dict,
    "reverse": lambda items: items[::-1],
    "sort": sorted,
    "uniq": lambda items: list(dict.fromkeys(items)),
    "concat": lambda *lists: [each for items in lists for each in items],
    "flatten": _flat,
}
