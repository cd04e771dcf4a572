"""JSON and YAML as the API server reads them: Go's words for what is none, and fields that occur twice.

``bodies`` and ``patches`` call it. What is right is read by orjson; the slower standard library finds out
what is wrong, and whether a field was given twice, which is for ``fieldValidation`` to judge.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from mlplane.structural import causes

_TYPES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}
_EXPECTED = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
}
_LARGE = re.compile(rb"[0-9]{19}")
"""Only then can there be a whole number that Go reads as a float."""
_INT64 = 2**63


class _Pairs(list[tuple[str, Any]]):
    """The fields of an object, with those that occur twice."""


def type_name(value: Any) -> str:
    """What Go calls the JSON type of a value."""
    return _TYPES.get(type(value), "null")


def loads(data: bytes) -> Any:
    """What a JSON text says; whole numbers beyond 64 bits become floats, as in Go.

    Raises:
        ValueError: It is not JSON, in the words of Go.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ValueError(_complaint(data)) from None
    return _narrowed(value) if _LARGE.search(data) else value


def _narrowed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _narrowed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_narrowed(item) for item in value]
    if type(value) is int and not -_INT64 <= value < _INT64:
        return float(value)
    return value


def _complaint(data: bytes) -> str:
    text = data.decode(errors="replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return _worded(text, error)
    return "invalid character"  # the standard library is more lenient: NaN and the like


def _worded(text: str, error: json.JSONDecodeError) -> str:
    message = error.msg.removesuffix(" starting at")
    place = error.pos
    if message.startswith("Illegal trailing comma"):
        place += len(text[place + 1 :]) - len(text[place + 1 :].lstrip()) + 1
    if place >= len(text.rstrip()) or message == "Unterminated string":
        return "unexpected end of JSON input"
    if message == "Expecting ',' delimiter":
        words = "after array element" if _in_list(text[:place]) else "after object key:value pair"
    else:
        words = _EXPECTED.get(message, "looking for beginning of value")
        if words == "looking for beginning of value":
            place, words = _literal(text, place) or (place, words)
    return f"invalid character {_quoted(text[place])} {words}"


def _literal(text: str, place: int) -> tuple[int, str] | None:
    """Where a text leaves the word that it begins with: null, true or false; None if it begins with none."""
    for word in ("null", "true", "false"):
        if text[place] != word[0]:
            continue
        for offset, letter in enumerate(word):
            if text[place + offset : place + offset + 1] not in ("", letter):
                return place + offset, f"in literal {word} (expecting '{letter}')"
    return None


def _in_list(text: str) -> bool:
    """Whether the end of a JSON fragment is inside of a list."""
    opened: list[str] = []
    for found in re.finditer(r'"(?:\\.|[^"\\])*"|[\[\]{}]', text):
        if found.group() in "[{":
            opened.append(found.group())
        elif found.group() in "]}" and opened:
            opened.pop()
    return bool(opened) and opened[-1] == "["


def _quoted(character: str) -> str:
    if character == "'":
        return r"'\''"
    return f"'{character}'" if character.isprintable() else f"'\\x{ord(character):02x}'"


def duplicates(data: bytes) -> list[str]:
    """Paths of the fields that occur twice in a JSON text, in its order."""
    twice = False

    def pairs(found: list[tuple[str, Any]]) -> Any:
        nonlocal twice
        fields = dict(found)
        twice = twice or len(fields) != len(found)
        return fields

    text = data.decode(errors="replace")
    json.loads(text, object_pairs_hook=pairs)
    return list(_repeated(json.loads(text, object_pairs_hook=_Pairs), ())) if twice else []


def _repeated(value: Any, path: causes.Path) -> Iterator[str]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for key, item in value:
            if key in seen:
                yield causes.dotted((path, key))
            else:
                yield from _repeated(item, (path, key))
            seen.add(key)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated(item, (path, index))


def load_yaml(data: bytes) -> tuple[Any, list[str]]:
    """What a YAML text says, and which lines set a key again.

    Raises:
        ValueError: It is not YAML, or holds what JSON cannot.
    """
    import yaml

    try:
        root = yaml.compose(data, yaml.CSafeLoader)
        # Dates and other YAML-only values become what JSON has for them.
        return orjson.loads(orjson.dumps(yaml.load(data, yaml.CSafeLoader))), list(_reset_keys(root))
    except (yaml.YAMLError, TypeError, ValueError) as error:
        raise ValueError(f"yaml: {_yaml_complaint(error)}") from None


def _yaml_complaint(error: Exception) -> str:
    """What libyaml found, with the line as Go counts it."""
    import yaml

    if not isinstance(error, yaml.MarkedYAMLError) or not error.problem:
        return str(error)
    line = error.problem_mark.line if error.problem_mark is not None else 0
    line += bool(line) and isinstance(error, yaml.scanner.ScannerError)
    return f"line {line}: {error.problem}" if line else error.problem


def _reset_keys(node: Any) -> Iterator[str]:
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: set[Any] = set()
        for key, value in node.value:
            if key.value in seen:
                yield f'line {key.start_mark.line + 1}: key "{key.value}" already set in map'
            seen.add(key.value)
            yield from _reset_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _reset_keys(item)
