"""The JSON paths of printer columns: ``.status.conditions[?(@.type=="Ready")].status`` and the like.

This is the dialect of ``kubectl -o jsonpath`` as far as a CRD may use it. ``tables`` compiles one path
a column.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Step = Callable[[Any], Iterator[Any]]
"""From a value to the values that one part of a path finds in it."""

_TOKEN = re.compile(
    r"""
      \.(?P<field>(?:\\.|[^.\[\]\\*])+)
    | \.?\[?(?P<every>\*)\]?
    | \[(?P<start>-?\d+)?(?P<colon>:)(?P<end>-?\d+)?\]
    | \[(?P<index>-?\d+)\]
    | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]
    | \[\?\(\s*@(?P<left>[^=!<>\s)]+)\s*(?:(?P<op>==|!=|<=|>=|<|>)\s*(?P<right>[^)]+?)\s*)?\)\]
    """,
    re.VERBOSE,
)


def compile_path(text: str) -> Callable[[Any], list[Any]]:
    """A path as a function from an object to the values that it finds, in order.

    Raises:
        ValueError: The text is no path of this dialect.
    """
    steps = tuple(_steps(text.strip().removeprefix("{").removesuffix("}").removeprefix("$")))

    def find(value: Any) -> list[Any]:
        found = [value]
        for step in steps:
            found = [each for value in found for each in step(value)]
        return found

    return find


def _steps(text: str) -> Iterator[Step]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise ValueError(f"JSON path {text!r} is not understood from {text[position:]!r} on")
        yield _step(match)
        position = match.end()


def _step(match: re.Match[str]) -> Step:
    if match["field"] is not None:
        return _field(re.sub(r"\\(.)", r"\1", match["field"]))
    if match["key"] is not None:
        return _field(match["key"])
    if match["every"]:
        return _every
    if match["index"] is not None:
        place = int(match["index"])
        return _slice(place, place + 1 or None)
    if match["colon"]:
        return _slice(*(int(match[name]) if match[name] else None for name in ("start", "end")))
    return _filter(match)


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _slice(start: int | None, end: int | None) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from value[start:end]

    return step


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _filter(match: re.Match[str]) -> Step:
    left = compile_path(match["left"])
    compare = _COMPARE.get(match["op"] or "")
    want = _literal(match["right"] or "")

    def holds(item: Any) -> bool:
        found = left(item)
        if compare is None or not found:
            return bool(found)
        try:
            return compare(found[0], want)
        except TypeError:
            return False

    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            yield from filter(holds, value)

    return step


def _literal(text: str) -> Any:
    if text[:1] in {"'", '"'}:
        return text[1:-1]
    if text in {"true", "false"}:
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
