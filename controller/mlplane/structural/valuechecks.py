"""Validation of a value against a compiled schema, with the API server's words.

``structural`` calls ``check``. On an update, parts that did not change are not judged again (ratcheting):
a schema that became stricter does not lock the objects that already exist.
"""

from collections.abc import Iterator
from typing import Any

from mlplane.structural import causes, listtypes, valueformats
from mlplane.structural.causes import Cause, MapKey, Path
from mlplane.structural.nodes import MISSING, Node

_MACHINE_TYPES = {"integer": "int64", "number": "float64", "boolean": "", "object": ""}
"""What the server calls a type when it expected a format."""
_LARGEST_FLOAT32 = 3.4028234663852886e38
_RANGES = {"int32": 2**31, "int64": 2**63}


def check(node: Node, value: Any, old: Any = MISSING, path: Path = ()) -> Iterator[Cause]:
    """Everything that is wrong with a value.

    Args:
        node: The schema.
        value: The new value.
        old: The value before, or MISSING when there was none that corresponds.
        path: Where the value stands.
    """
    if old is not MISSING and value == old and type(value) is type(old):
        return
    if (wrong := _wrong_type(node, value, path)) is not None:
        yield wrong
    if value is not None:
        yield from _junctors(node, value, path)
    if isinstance(value, str):
        yield from _string(node, value, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number(node, value, path)
    elif isinstance(value, list):
        yield from _list(node, value, old, path)
    yield from _enum(node, value, path)
    if isinstance(value, dict):
        yield from _object(node, value, old, path)


def _wrong_type(node: Node, value: Any, path: Path) -> Cause | None:
    if not node.types or (value is None and node.nullable):
        return None
    have = json_type(value)
    if have in node.types or (have == "integer" and "number" in node.types):
        return None
    if isinstance(value, float) and "integer" in node.types and _is_integer(value, ""):
        return None
    want = ",".join(node.types)
    if node.format and have in _MACHINE_TYPES:
        want, have = node.format, _MACHINE_TYPES[have]
    where = causes.dotted(path)
    return causes.type_invalid(where, have, f'{where} in body must be of type {want}: "{have}"')


def json_type(value: Any) -> str:
    """Name of the JSON type of a value; whole numbers are integers."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


def _string(node: Node, value: str, path: Path) -> Iterator[Cause]:
    limits, where = node.limits, causes.dotted(path) if node.limits or node.format else ""
    if len(value) > limits.get("maxLength", len(value)):
        yield causes.too_long(where, limits["maxLength"])
    elif len(value) < limits.get("minLength", 0):
        least = limits["minLength"]
        yield causes.invalid(where, value, f"{where} in body should be at least {least} chars long")
    elif node.pattern is not None and not node.pattern(value):
        yield causes.invalid(where, value, f"{where} in body should match '{limits['pattern']}'")
    if node.format and not node.int_or_string and not valueformats.is_valid(value, node.format):
        detail = f"{where} in body must be of type {node.format}: {causes.shown(value)}"
        yield causes.type_invalid(where, value, detail)


def _number(node: Node, value: float, path: Path) -> Iterator[Cause]:
    limits, where = node.limits, causes.dotted(path) if node.limits or node.format else ""
    if node.type == "integer" and not _is_integer(value, node.format):
        kind = f"with format {node.format}" if node.format else "(default format)"
        yield causes.invalid(
            causes.ROOT, "", f"Checked value must be of type integer {kind} in {causes.dotted(path)}"
        )
    if node.format == "float" and abs(value) > _LARGEST_FLOAT32:
        detail = f"Checked value must be of type number with format float in {where}"
        yield causes.invalid(causes.ROOT, "", detail)
    if (factor := limits.get("multipleOf")) is not None:
        yield from _multiple(value, factor, where)
    yield from _bounds(node, value, where)


def _multiple(value: float, factor: float, where: str) -> Iterator[Cause]:
    if isinstance(value, int):  # for whole numbers the server cuts the fraction off
        factor = int(factor)
    if factor <= 0:
        yield causes.invalid(
            where, factor, f"factor MultipleOf declared for {where} must be positive: {factor}"
        )
    elif value % factor if isinstance(value, int) else not _is_nearly_whole(value / factor):
        yield causes.invalid(where, value, f"{where} in body should be a multiple of {causes.shown(factor)}")


def _is_nearly_whole(value: float) -> bool:
    """Whether the server takes a quotient for a whole number."""
    if abs(value) >= 2**53:
        return False
    whole = float(int(value))
    return value == whole or (whole != 0 and abs(value - whole) / (abs(value) + abs(whole)) < 1e-9)


def _bounds(node: Node, value: float, where: str) -> Iterator[Cause]:
    least, most = node.limits.get("minimum"), node.limits.get("maximum")
    below, above = node.limits.get("exclusiveMinimum"), node.limits.get("exclusiveMaximum")
    if isinstance(value, int):  # for whole numbers the server cuts the fraction of a bound off
        least, most = (None if bound is None else int(bound) for bound in (least, most))
    if least is not None and (value < least or (below and value == least)):
        words = "greater than" if below else "greater than or equal to"
        yield causes.invalid(where, value, f"{where} in body should be {words} {causes.shown(least)}")
    if most is not None and (value > most or (above and value == most)):
        words = "less than" if above else "less than or equal to"
        yield causes.invalid(where, value, f"{where} in body should be {words} {causes.shown(most)}")


def _is_integer(value: float, width: str) -> bool:
    limit = _RANGES.get(width, _RANGES["int64"])
    return -limit <= value < limit and value == int(value)


def _list(node: Node, value: list[Any], old: Any, path: Path) -> Iterator[Cause]:
    if node.items is not None:
        olds = listtypes.by_key(old, node.list_keys) if node.list_type == "map" else {}
        for index, item in enumerate(value):
            before = olds.get(listtypes.key_of(item, node.list_keys), MISSING) if olds else MISSING
            yield from check(node.items, item, before, (path, index))
    if not node.limits:
        return
    where, limits = causes.dotted(path), node.limits
    if len(value) < limits.get("minItems", 0):
        least = limits["minItems"]
        yield causes.invalid(where, len(value), f"{where} in body should have at least {least} items")
    if len(value) > limits.get("maxItems", len(value)):
        yield causes.too_many(where, len(value), limits["maxItems"])
    if limits.get("uniqueItems") and listtypes.duplicates(value):
        yield causes.invalid(where, "", f"{where} in body shouldn't contain duplicates")


def _enum(node: Node, value: Any, path: Path) -> Iterator[Cause]:
    if node.enum is None:
        return
    if value is None or not any(
        value == each and isinstance(value, bool) is isinstance(each, bool) for each in node.enum
    ):
        yield causes.not_supported(causes.dotted(path), value, node.enum)


def _object(node: Node, value: dict[str, Any], old: Any, path: Path) -> Iterator[Cause]:
    yield from _object_size(node, value, path)
    if node.closed:
        for key in value.keys() - node.properties.keys():
            where = causes.dotted(path)
            yield causes.invalid(where, "", f"{where}.{key} in body is a forbidden property")
    olds = old if isinstance(old, dict) else {}
    for key, item in value.items():
        if (child := node.properties.get(key)) is not None:
            yield from check(child, item, olds.get(key, MISSING), (path, key))
        elif node.values is not None:
            yield from check(node.values, item, olds.get(key, MISSING), (path, MapKey(key)))
    for key in node.required:
        if key not in value:
            yield causes.required(causes.dotted((path, key)))


def _object_size(node: Node, value: dict[str, Any], path: Path) -> Iterator[Cause]:
    least, most = node.limits.get("minProperties"), node.limits.get("maxProperties")
    where = causes.dotted(path) if least or most is not None else ""
    if least is not None and len(value) < least:
        detail = f"{where} in body should have at least {least} properties"
        yield causes.invalid(where, len(value), detail)
    if most is not None and len(value) > most:
        yield causes.too_many(where, len(value), most)


def _junctors(node: Node, value: Any, path: Path) -> Iterator[Cause]:
    if node.any_of:
        yield from _any_of(node, value, path)
    if node.one_of:
        yield from _one_of(node, value, path)
    failed = 0
    for each in node.all_of:
        found = list(check(each, value, MISSING, path))
        failed += bool(found)
        yield from found
    if failed:
        none = ". None validated" if failed == len(node.all_of) else ""
        yield _junctor(path, f"must validate all the schemas (allOf){none}")
    if node.negated is not None and not list(check(node.negated, value, MISSING, path)):
        yield _junctor(path, "must not validate the schema (not)")


def _any_of(node: Node, value: Any, path: Path) -> Iterator[Cause]:
    attempts = [list(check(each, value, MISSING, path)) for each in node.any_of]
    if all(attempts):
        yield _junctor(path, "must validate at least one schema (anyOf)")
        yield from min(attempts, key=len)


def _one_of(node: Node, value: Any, path: Path) -> Iterator[Cause]:
    attempts = [list(check(each, value, MISSING, path)) for each in node.one_of]
    valid = sum(not found for found in attempts)
    if valid == 1:
        return
    count = f"Found {valid} valid alternatives" if valid else "Found none valid"
    yield _junctor(path, f"must validate one and only one schema (oneOf). {count}")
    if not valid:
        yield from min(attempts, key=len)


def _junctor(path: Path, words: str) -> Cause:
    return causes.invalid(causes.ROOT, "", f'"{causes.dotted(path)}" {words}')
