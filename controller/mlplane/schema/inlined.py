"""A kind's pydantic model as one self-contained schema: what `crds` and `jsonschema` both start from.

Pydantic writes for validation in Python: shared definitions, ``null`` for what may be left out, titles and
defaults. Manifests know none of these, and the controller never defaults a spec on the server.
"""

from typing import Any

from mlplane.api.meta import ApiModel, Body

_DROPPED = ("$ref", "$defs", "anyOf", "additionalProperties", "const", "default", "title")


def inlined_schema(kind: type[ApiModel]) -> Body:
    """The schema of a kind without references, nulls, titles, defaults and ``const``."""
    schema = kind.model_json_schema(by_alias=True)
    return _inlined(schema, schema.get("$defs", {}))


def _inlined(node: Body, definitions: Body) -> Body:
    merged = _merged(node, definitions)
    result: Body = {key: value for key, value in merged.items() if key not in _DROPPED}
    if "const" in merged:
        result["enum"] = [merged["const"]]
    for key in ("properties", "patternProperties"):
        if key in merged:
            result[key] = {name: _inlined(child, definitions) for name, child in merged[key].items()}
    if "items" in merged:
        result["items"] = _inlined(merged["items"], definitions)
    return result


def _merged(node: Body, definitions: Body) -> Body:
    """The node with its reference and its alternatives folded in; what it says itself wins."""
    merged: Body = {}
    if "$ref" in node:
        merged |= _merged(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    alternatives = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    if node.get("x-kubernetes-int-or-string"):
        merged |= _limits_of_string(alternatives)
    elif len(alternatives) == 1:
        merged |= _merged(alternatives[0], definitions)
    elif alternatives:
        message = f"a field with several types cannot be expressed in a CRD: {node}"
        raise ValueError(message)
    return merged | {key: value for key, value in node.items() if key not in ("$ref", "anyOf")}


def _limits_of_string(alternatives: list[Body]) -> dict[str, Any]:
    """The limits of the string among the alternatives of an int-or-string; they do not touch integers."""
    strings = [choice for choice in alternatives if choice.get("type") == "string"]
    return {key: value for choice in strings for key, value in choice.items() if key != "type"}
