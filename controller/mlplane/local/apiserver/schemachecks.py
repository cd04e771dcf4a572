"""Checks of a CRD's schema, level by level: structural, lists that say how they merge, defaults that fit.

``crdchecks`` calls ``check_schema`` for every version of a CRD.
"""

import re
from collections.abc import Iterator

from mlplane.local.apiserver.rulechecks import check_rules
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes
from mlplane.structural.nodes import MISSING, go_pattern, node_of
from mlplane.structural.pruning import prune
from mlplane.structural.valuechecks import check

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_KEY_RULE = (
    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
)


def check_schema(schema: Body, path: str, *, root: bool = True, correlatable: bool = True) -> Iterator[Cause]:
    """What makes a schema unfit for a CRD.

    Args:
        schema: ``openAPIV3Schema``, or a level of it.
        path: Where it stands in the CRD.
        root: Whether it is the schema of the whole object.
        correlatable: Whether old and new values can be matched at this level.
    """
    yield from _check_type(schema, path, root=root)
    yield from _check_shape(schema, path)
    yield from _check_list(schema, path)
    yield from check_rules(schema, path, correlatable=correlatable)
    yield from _check_default(schema, path)
    if schema.get("properties") and schema.get("additionalProperties") not in (None, False):
        yield causes.forbidden(
            f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive"
        )
    for name, child in (schema.get("properties") or {}).items():
        if not (root and name == "metadata"):
            yield from check_schema(
                child, f"{path}.properties[{name}]", root=False, correlatable=correlatable
            )
    values, items = schema.get("additionalProperties"), schema.get("items")
    if isinstance(values, dict):
        where = f"{path}.additionalProperties"
        yield from check_schema(values, where, root=False, correlatable=correlatable)
    if isinstance(items, dict):
        by_key = correlatable and schema.get("x-kubernetes-list-type") == "map"
        yield from check_schema(items, f"{path}.items", root=False, correlatable=by_key)


def _check_type(schema: Body, path: str, *, root: bool) -> Iterator[Cause]:
    kind = schema.get("type")
    if not kind:
        is_open = schema.get("x-kubernetes-preserve-unknown-fields") or schema.get(
            "x-kubernetes-int-or-string"
        )
        if not root and not is_open:
            yield causes.required(f"{path}.type", "must not be empty for specified object fields")
    elif kind not in _TYPES:
        yield causes.not_supported(f"{path}.type", kind, _TYPES)


def _check_shape(schema: Body, path: str) -> Iterator[Cause]:
    if "$ref" in schema:
        yield causes.forbidden(f"{path}.$ref", "$ref is not supported")
    if schema.get("type") == "array" and not isinstance(schema.get("items"), dict):
        yield causes.required(f"{path}.items", "must be specified")
    if schema.get("uniqueItems"):
        yield causes.forbidden(
            f"{path}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    if pattern := schema.get("pattern"):
        try:
            re.compile(go_pattern(pattern))
        except re.error as error:
            detail = f"must be a valid regular expression, but isn't: {error}"
            yield causes.invalid(f"{path}.pattern", pattern, detail)


def _check_list(schema: Body, path: str) -> Iterator[Cause]:
    kind, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or ()
    where = f"{path}.x-kubernetes-list-type"
    if kind is not None and kind not in ("atomic", "set", "map"):
        yield causes.not_supported(where, kind, ("atomic", "set", "map"))
    if kind is not None and schema.get("type") != "array":
        yield causes.invalid(
            f"{path}.type", schema.get("type") or "", "must be array if x-kubernetes-list-type is specified"
        )
    if kind == "map" and not keys:
        yield causes.required(
            f"{path}.x-kubernetes-list-map-keys", "must not be empty if x-kubernetes-list-type is map"
        )
    if keys and kind != "map":
        yield causes.invalid(where, kind or "", "must be map if x-kubernetes-list-map-keys is non-empty")
    items = schema.get("items") or {}
    for key in keys if kind == "map" else ():
        if key not in (items.get("properties") or {}):
            detail = "entries must all be names of item properties"
            yield causes.invalid(f"{path}.x-kubernetes-list-map-keys", list(keys), detail)
        elif key not in (items.get("required") or ()) and "default" not in items["properties"][key]:
            yield causes.required(f"{path}.items.properties[{key}].default", _KEY_RULE)


def _check_default(schema: Body, path: str) -> Iterator[Cause]:
    if schema.get("default") is None:
        return
    node, default = node_of(schema), schema["default"]
    unknown: list[str] = []
    prune(node, default, (), unknown)
    if unknown:
        yield causes.invalid(f"{path}.default", default, "must not have unknown fields")
    for cause in check(node, default, MISSING):
        field = f"{path}.default" + (f".{cause.field}" if cause.field not in ("", causes.ROOT) else "")
        yield Cause(cause.reason, field, cause.message)
