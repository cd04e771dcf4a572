"""Sets of fields as ``managedFields`` stores them (FieldsV1), as nested dicts.

A key is one step of a path: ``f:<field>``, ``k:<keys of a list item>`` or ``v:<value in a set>``; the key
``.`` marks that the path up to there belongs to the set. ``managedfields`` does its sums with these.
"""

import json
from collections.abc import Iterator
from typing import Any

FieldSet = dict[str, Any]
"""Steps to the sets below them; ``{".": {}}`` is one member and nothing below."""

MEMBER = "."
_KINDS = frozenset(("f:", "i:", "k:", "v:"))


def decoded(fields_v1: dict[str, Any]) -> FieldSet:
    """A set from FieldsV1, where an empty object stands for a member.

    Raises:
        KeyError: A key is no step.
    """
    return {_step(step): _decoded(below) for step, below in fields_v1.items()}


def _step(step: str) -> str:
    if step != MEMBER and step[:2] not in _KINDS:
        raise KeyError(step)
    return step


def _decoded(below: dict[str, Any]) -> FieldSet:
    if not below:
        return {MEMBER: {}}
    return {_step(step): {} if step == MEMBER else _decoded(deeper) for step, deeper in below.items()}


def encoded(fields: FieldSet) -> dict[str, Any]:
    """FieldsV1 of a set, with sorted steps."""
    return {
        step: {} if step == MEMBER or list(below) == [MEMBER] else encoded(below)
        for step, below in sorted(fields.items())
    }


def union(first: FieldSet, second: FieldSet) -> FieldSet:
    """Members of either."""
    if not first or not second:
        return first or second
    result = dict(first)
    for step, below in second.items():
        result[step] = union(result[step], below) if step in result else below
    return result


def difference(first: FieldSet, second: FieldSet) -> FieldSet:
    """Members of the first that are not in the second."""
    if not second:
        return first
    result: FieldSet = {}
    for step, below in first.items():
        if step == MEMBER:
            if MEMBER not in second:
                result[step] = below
        elif rest := difference(below, second.get(step, {})):
            result[step] = rest
    return result


def intersection(first: FieldSet, second: FieldSet) -> FieldSet:
    """Members of both."""
    result: FieldSet = {}
    for step in first.keys() & second.keys():
        if step == MEMBER:
            result[step] = {}
        elif common := intersection(first[step], second[step]):
            result[step] = common
    return result


def texts(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """Each member as a path for people: ``.spec.containers[name="main"].image``; those above first."""
    steps = [(prefix + _text(step), below) for step, below in sorted(fields.items()) if step != MEMBER]
    yield from (path for path, below in steps if MEMBER in below)
    for path, below in steps:
        yield from texts(below, path)


def _text(step: str) -> str:
    kind, _, rest = step.partition(":")
    match kind:
        case "f":
            return f".{rest}"
        case "k":
            return "[" + ",".join(f"{key}={_json(value)}" for key, value in json.loads(rest).items()) + "]"
        case "v":
            return f"[={_json(json.loads(rest))}]"
        case _:
            return f"[{rest}]"


def field_step(name: str) -> str:
    """The step to a field."""
    return f"f:{name}"


def key_step(keys: dict[str, Any]) -> str:
    """The step to an item of a list of type map."""
    return f"k:{_json(dict(sorted(keys.items())))}"


def value_step(value: Any) -> str:
    """The step to an item of a list of type set."""
    return f"v:{_json(value)}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
