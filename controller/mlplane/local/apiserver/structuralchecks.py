"""Whether a schema is structural: every field has its type in one place, and nothing hides it.

``schemachecks`` calls it first: a schema that is not structural is not looked at more closely.
"""

from collections.abc import Iterator
from typing import Any

from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, patterns

_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_JUNCTORS = ("anyOf", "allOf", "oneOf")
_MISSING_TYPE = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_NESTED_FORBIDDEN = {
    "type": "must be empty to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    "x-kubernetes-preserve-unknown-fields": "must be false to be structural",
    "x-kubernetes-embedded-resource": "must be false to be structural",
    "x-kubernetes-int-or-string": "must be false to be structural",
    "x-kubernetes-list-map-keys": "must be empty to be structural",
    "x-kubernetes-list-type": "must be undefined to be structural",
    "x-kubernetes-map-type": "must be undefined to be structural",
}
_UNSUPPORTED = (
    "id",
    "$schema",
    "$ref",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
)


def convertible(schema: Any) -> str:
    """Why a schema cannot be read as a structural one at all; empty if it can."""
    if not isinstance(schema, dict):
        return ""
    for key in _UNSUPPORTED:
        if schema.get(key):
            return f"OpenAPIV3Schema '{key.removeprefix('$') if key == '$schema' else key}' is not supported"
    if isinstance(schema.get("items"), list):
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
    return next((problem for child in _children(schema) if (problem := convertible(child))), "")


def _children(schema: Body) -> Iterator[Any]:
    yield schema.get("items")
    yield from (schema.get("properties") or {}).values()
    yield schema.get("additionalProperties")
    for key in _JUNCTORS:
        yield from schema.get(key) or ()
    yield schema.get("not")


def check_structural(schema: Body, path: str) -> list[Cause]:
    """What keeps a schema from being structural, in the order of the texts."""
    found = [*_invariants(schema, "root", path), *_completeness(schema, path)]
    return sorted(found, key=lambda cause: f"{cause.field}: {cause.message}")


def _invariants(schema: Body, level: str, path: str) -> Iterator[Cause]:
    items, values = schema.get("items"), schema.get("additionalProperties")
    if schema.get("type") == "array" and items is None:
        yield causes.required(f"{path}.items", "must be specified")
    if isinstance(items, dict):
        yield from _invariants(items, "item", f"{path}.items")
    for name, child in (schema.get("properties") or {}).items():
        yield from _invariants(child, "field", f"{path}.properties[{name}]")
    if values is not None:
        if level == "root":
            yield causes.forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if isinstance(values, dict):
            yield from _invariants(values, "field", f"{path}.additionalProperties")
    yield from _extensions(schema, path)
    yield from _values(schema, path, own=True)
    yield from _type(schema, level, path)
    yield from _metadata(schema, level, path)


def _extensions(schema: Body, path: str) -> Iterator[Cause]:
    if schema.get("x-kubernetes-int-or-string"):
        for key in ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"):
            if schema.get(key):
                detail = "must be false if x-kubernetes-int-or-string is true"
                yield causes.invalid(f"{path}.{key}", schema[key], detail)


def _type(schema: Body, level: str, path: str) -> Iterator[Cause]:
    kind, embedded = schema.get("type") or "", schema.get("x-kubernetes-embedded-resource")
    untyped = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if embedded and kind != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        yield (
            causes.invalid(f"{path}.type", kind, detail) if kind else causes.required(f"{path}.type", detail)
        )
    elif not kind and not untyped:
        yield causes.required(f"{path}.type", _MISSING_TYPE[level])
    if embedded and schema.get("additionalProperties") is not None:
        detail = "must not be used if x-kubernetes-embedded-resource is set"
        yield causes.forbidden(f"{path}.additionalProperties", detail)
    if level == "root" and kind and kind != "object":
        yield causes.invalid(f"{path}.type", kind, "must be object at the root")


def _metadata(schema: Body, level: str, path: str) -> Iterator[Cause]:
    properties, embedded = schema.get("properties") or {}, schema.get("x-kubernetes-embedded-resource")
    if level == "root" or embedded:
        for key, want in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            kind = properties[key].get("type") or "" if key in properties else want
            if kind != want:
                yield causes.invalid(f"{path}.properties[{key}].type", kind, f"must be {want}")
    if level == "root" and "metadata" in properties:
        own = {key for key, value in properties["metadata"].items() if value not in (None, "", [], {})}
        named = set(properties["metadata"].get("properties") or ())
        if own - {"type", "default", "properties"} or named - {"name", "generateName"}:
            detail = (
                "must not specify anything other than name and generateName, but metadata is implicitly "
                "specified"
            )
            yield causes.forbidden(f"{path}.properties[metadata]", detail)
    if embedded and not schema.get("x-kubernetes-preserve-unknown-fields") and not properties:
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        yield causes.required(f"{path}.properties", detail)


def _values(schema: Body, path: str, *, own: bool) -> Iterator[Cause]:
    """Checks of junctors and the pattern; ``own`` for a level that is not nested in a junctor."""
    for key in _JUNCTORS:
        for index, each in enumerate(schema.get(key) or ()):
            if own and schema.get(key) == _INT_OR_STRING and key == "anyOf":
                continue
            first = own and key == "allOf" and index == 0
            yield from _nested(each, f"{path}.{key}[{index}]", first=first)
    if isinstance(negated := schema.get("not"), dict):
        yield from _nested(negated, f"{path}.not")
    if (pattern := schema.get("pattern")) and (problem := patterns.problem(pattern)):
        detail = f"must be a valid regular expression, but isn't: error parsing regexp: {problem}"
        yield causes.invalid(f"{path}.pattern", pattern, detail)


def _nested(schema: Body, path: str, *, first: bool = False) -> Iterator[Cause]:
    pattern = first and schema.get("anyOf") == _INT_OR_STRING
    kept = {key: value for key, value in schema.items() if not (pattern and key == "anyOf")}
    yield from _values(kept, path, own=False)
    if isinstance(items := schema.get("items"), dict):
        yield from _nested(items, f"{path}.items")
    properties = schema.get("properties") or {}
    for name, child in properties.items():
        yield from _nested(child, f"{path}.properties[{name}]")
    for key, detail in _NESTED_FORBIDDEN.items():
        if schema.get(key):
            yield causes.forbidden(f"{path}.{key}", detail)
    if schema.get("additionalProperties") is not None:
        yield causes.forbidden(f"{path}.additionalProperties", "must be undefined to be structural")
    if schema.get("x-kubernetes-validations"):
        yield causes.forbidden(f"{path}.x-kubernetes-validations", "must be empty to be structural")
    if "metadata" in properties:
        yield causes.forbidden(f"{path}.properties[metadata]", "must not be specified in a nested context")


def _completeness(schema: Body, path: str) -> Iterator[Cause]:
    """What junctors say of a field must be of a field that exists outside of them."""
    for key in _JUNCTORS:
        for index, each in enumerate(schema.get(key) or ()):
            yield from _complete(each, schema, f"{path}.{key}[{index}]", path)
    if isinstance(negated := schema.get("not"), dict):
        yield from _complete(negated, schema, f"{path}.not", path)


def _complete(nested: Body, schema: Body | None, path: str, own: str) -> Iterator[Cause]:
    for key in _JUNCTORS:
        for index, each in enumerate(nested.get(key) or ()):
            yield from _complete(each, schema, f"{path}.{key}[{index}]", own)
    if isinstance(negated := nested.get("not"), dict):
        yield from _complete(negated, schema, f"{path}.not", own)
    if isinstance(items := nested.get("items"), dict):
        outer = (schema or {}).get("items")
        if isinstance(outer, dict):
            yield from _complete(items, outer, f"{path}.items", f"{own}.items")
        else:
            yield causes.required(f"{own}.items", f"because it is defined in {path}.items")
    for name, child in (nested.get("properties") or {}).items():
        outer = ((schema or {}).get("properties") or {}).get(name)
        where = f"{own}.properties[{name}]"
        if outer is None:
            yield causes.required(where, f"because it is defined in {path}.properties[{name}]")
        else:
            yield from _complete(child, outer, f"{path}.properties[{name}]", where)
