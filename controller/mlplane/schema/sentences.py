"""What a JSON Schema validator found, as sentences: where, what was found and what is supported. Pure.

Called by ``schema.foreign``.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from mlplane.api.meta import Body


def sentences(schema: Body, error: Any) -> list[str]:
    """The sentences of one finding; unknown fields are named one by one.

    Args:
        schema: The whole schema.
        error: A ``jsonschema_rs.ValidationError``.
    """
    path = _text_of(error.instance_path)
    if error.kind.name == "additionalProperties":
        known = sorted(_rule_holder(schema, error).get("properties", {}))
        return [
            f"{_joined(path, name)}: this field is not supported; supported are {', '.join(known) or 'none'}"
            for name in error.kind.unexpected
        ]
    say = _SENTENCES.get(error.kind.name)
    if say is not None:
        return [f"{path}: {say(error, _rule_holder(schema, error))}"]
    return [f"{path}: {error.message}"]


def _found(error: Any) -> str:
    text = json.dumps(error.instance)
    return f"found {text if len(text) <= 80 else text[:77] + '...'}"


def _one_of(error: Any, holder: Body) -> str:
    names = [name for choice in holder["oneOf"] for name in choice["required"]]
    present = [name for name in names if name in error.instance]
    return f"exactly one of {', '.join(names)} must be set; found {' and '.join(present) or 'none'}"


def _choice(error: Any, holder: Body) -> str:
    """For an object whose fields exclude each other."""
    choices = ", ".join(name for name in holder["properties"] if name != "name")
    return f"{_found(error)}; exactly one of {choices} must be set"


_SENTENCES: Mapping[str, Callable[[Any, Body], str]] = {
    "required": lambda error, _: f"{error.kind.property} is missing and must be set",
    "type": lambda error, _: f"{_found(error)}; supported is {' or '.join(_as_list(error.kind.types))}",
    "enum": lambda error, _: f"{_found(error)}; supported are {', '.join(map(str, error.kind.options))}",
    "const": lambda error, holder: f"{_found(error)}; supported is {json.dumps(holder['const'])}",
    "pattern": lambda error, holder: (
        f"{_found(error)}; supported is {holder.get('description') or holder['pattern']}"
    ),
    "oneOf": _one_of,
    "minimum": lambda error, holder: f"{_found(error)}; supported is {holder['minimum']} or more",
    "minItems": lambda error, holder: (
        f"{len(error.instance)} entries were found; at least {holder['minItems']} must be there"
    ),
    "maxItems": lambda error, holder: (
        f"{len(error.instance)} entries were found; supported is at most {holder['maxItems']}"
    ),
    "minProperties": _choice,
    "maxProperties": _choice,
}


def _as_list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _rule_holder(schema: Body, error: Any) -> Body:
    """The part of the schema that holds the keyword that was broken."""
    node: Any = schema
    for part in list(error.evaluation_path)[:-1]:
        node = node[part]
        if part == "$ref":
            node = schema["$defs"][node.rsplit("/", 1)[1]]
    holder: Body = node
    return holder


def _text_of(path: list[str | int]) -> str:
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _joined(text, part)
    return text or "the object"


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and path != "the object" else name
