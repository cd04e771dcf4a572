"""What keeps a manifest from being one of the kinds, in words for the person who wrote it. Pure.

The pydantic models decide, in strict mode, because an API server converts nothing either; this module says
where, what was found, what is allowed, and what was probably meant. Called by ``gitops.validate``.
"""

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from mlplane.api import KINDS
from mlplane.api.meta import ApiModel, Body
from mlplane.api.promotion import Promotion
from mlplane.gitops.findings import Finding, at, closest, unknown_field
from mlplane.gitops.manifest import Document, FieldPath
from mlplane.gitops.metadata import metadata_findings
from mlplane.schema.inlined import inlined_schema

_MODELS: Mapping[str, type[ApiModel]] = {**KINDS, Promotion.__name__: Promotion}
_KEY = "[key]"
"""Where pydantic says that the name in a map is wrong, and not the value."""


def schema_findings(document: Document, kind: str) -> list[Finding]:
    """How a document differs from the schema of its kind."""
    findings = metadata_findings(document)
    seen: set[FieldPath] = set()
    try:
        _MODELS[kind].model_validate_json(
            json.dumps(document.body), strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        for entry in error.errors(include_url=False, include_input=False):
            path = path_in(document.body, entry["loc"], entry["type"])
            if path not in seen and not _follows_from_another(document.body, path, entry):
                seen.add(path)
                findings.append(_finding(document, kind, path, entry))
    # The models take null for what is left out; an API server does not.
    top, value = (("spec",), document.body.get("spec")) if kind in KINDS else ((), document.body)
    for path in _nulls(value, top):
        if path not in seen and (schema := _schema_at(kind, path)):
            findings.append(_wrong_type(document, path, schema, None))
    return findings


def _nulls(value: Any, path: FieldPath) -> Iterator[FieldPath]:
    if value is None and path != ("spec",):
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, child in children:
        yield from _nulls(child, (*path, step))


def _follows_from_another(body: Body, path: FieldPath, error: Any) -> bool:
    """Whether a list only counts as too short because some of its entries are wrong."""
    is_short = error["type"] == "too_short"
    return is_short and bool(len(_value_at(body, path)) >= error["ctx"]["min_length"])


def path_in(body: Any, loc: tuple[Any, ...], error: str) -> FieldPath:
    """The place of an error in the document: pydantic also names the branch of a union that it tried."""
    path: list[str | int] = []
    value = body
    for step in loc:
        is_there = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if is_there:
            path.append(step)
            value = value[step]
        elif step == _KEY or (error == "missing" and step == loc[-1]):
            path.append(step)
    return tuple(path)


def _finding(document: Document, kind: str, path: FieldPath, error: Any) -> Finding:
    if error["type"] == "missing":
        return _missing(document, kind, path)
    if error["type"] == "extra_forbidden":
        return unknown_field(document, path, sorted(_schema_at(kind, path[:-1]).get("properties", ())))
    if path and path[-1] == _KEY:
        name = path[-2]
        message = f"the name {json.dumps(name)} is not allowed: {_limit(error)}"
        return at(document, path[:-1], message, key=True)
    schema = _schema_at(kind, path)
    value = _value_at(document.body, path)
    if "enum" in schema and isinstance(value, str):
        allowed = schema["enum"]
        return at(
            document,
            path,
            f"{_shown(value)} is not allowed here",
            allowed=allowed,
            suggestion=closest(value, allowed),
        )
    if not _is_wanted(schema, value):
        return _wrong_type(document, path, schema, value)
    if isinstance(value, list | dict):
        return at(document, path, f"{len(value)} entries are given; {_limit(error)}", key=True)
    return at(document, path, f"{_shown(value)} is not right: {_limit(error)}{_meaning(schema)}")


def _missing(document: Document, kind: str, path: FieldPath) -> Finding:
    meaning = _meaning(_schema_at(kind, path))
    misspelt = closest(str(path[-1]), _unknown_names(document, kind, path[:-1]))
    hint = f"is {misspelt} meant to be {path[-1]}?" if misspelt else ""
    return at(
        document, path, f"the field {path[-1]} is required and missing{meaning}", key=True, suggestion=hint
    )


def _meaning(schema: Body) -> str:
    """What the field is for, as an addition to a sentence."""
    description = schema.get("description", "").rstrip(".")
    return f" ({description})" if description else ""


def _unknown_names(document: Document, kind: str, parent: FieldPath) -> list[str]:
    present = _value_at(document.body, parent)
    known = _schema_at(kind, parent).get("properties", {})
    return [name for name in present if name not in known] if isinstance(present, dict) and known else []


def _wrong_type(document: Document, path: FieldPath, schema: Body, value: Any) -> Finding:
    if value is None:
        return at(document, path, f"nothing stands here, but {_wanted(schema)} is wanted", key=True)
    text = document.text(path)
    found = text if text and not isinstance(value, str) else _shown(value)
    what = f"this is {_NOUNS[type(value)]}" if not text else f"{found} is {_NOUNS[type(value)]}"
    message = f"{what}, but {_wanted(schema)} is wanted here"
    takes_text = "string" in _types(schema)
    if takes_text and text and not isinstance(value, str):
        return at(document, path, f"{message}: quote it", suggestion=json.dumps(text, ensure_ascii=False))
    quoted_number = "integer" in _types(schema) and isinstance(value, str) and value.lstrip("-").isdigit()
    hint = f"{value}, without quotes" if quoted_number else ""
    return at(document, path, message, key=isinstance(value, list | dict), suggestion=hint)


def _limit(error: Any) -> str:
    """Which limit was broken, from pydantic's error."""
    context = error.get("ctx", {})
    say = _LIMITS.get(error["type"])
    return say(context) if say else error["msg"]


_LIMITS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_pattern_mismatch": lambda c: f"it must match {c['pattern']}",
    "string_too_long": lambda c: f"at most {c['max_length']} characters are allowed",
    "too_long": lambda c: f"at most {c['max_length']} entries are allowed",
    "too_short": lambda c: f"at least {c['min_length']} entries are needed",
    "greater_than_equal": lambda c: f"it must be {c['ge']} or more",
    "less_than_equal": lambda c: f"it must be {c['le']} or less",
}
_NOUNS: Mapping[type, str] = {
    str: "a string",
    int: "a whole number",
    float: "a number with a fraction",
    bool: "a boolean",
    list: "a list",
    dict: "a mapping",
}
_TYPES: Mapping[str, tuple[str, type]] = {
    "string": ("a string", str),
    "integer": ("a whole number", int),
    "array": ("a list", list),
    "object": ("a mapping", dict),
}


def _types(schema: Body) -> tuple[str, ...]:
    if "x-kubernetes-int-or-string" in schema:
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") in _TYPES else ()


def _is_wanted(schema: Body, value: Any) -> bool:
    return not _types(schema) or any(type(value) is _TYPES[name][1] for name in _types(schema))


def _wanted(schema: Body) -> str:
    return " or ".join(_TYPES[name][0] for name in _types(schema))


def _shown(value: Any) -> str:
    """A scalar, short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _value_at(body: Any, path: FieldPath) -> Any:
    for step in path:
        body = body[step]
    return body


@functools.cache
def _schema(kind: str) -> Body:
    return inlined_schema(_MODELS[kind])


def _schema_at(kind: str, path: FieldPath) -> Body:
    """The part of a kind's schema that a path leads to; empty where it says nothing."""
    node: Body = _schema(kind)
    for step in path:
        node = next(_below(node, step), {})
    return node


def _below(node: Body, step: str | int) -> Iterator[Body]:
    if isinstance(step, int):
        yield node.get("items", {})
    elif step in node.get("properties", {}):
        yield node["properties"][step]
    else:
        yield from node.get("patternProperties", {}).values()
