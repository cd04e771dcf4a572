"""What a value that has no business under a schema is called when it is applied: Go's words for Go's values.

``typedvalues`` asks while it looks for what makes a configuration unfit, ``conformity`` for scales.
"""

import json
from typing import Any

from mlplane.structural.nodes import Node

_GO_TYPES = {
    bool: "bool",
    dict: "map[string]interface {}",
    float: "float64",
    int: "int64",
    list: "[]interface {}",
    str: "string",
}


def misfit(node: Node | None, value: Any) -> str:
    """Why a value is of the wrong type; empty if it is not. Null fits everywhere."""
    if node is None or value is None or node.int_or_string:
        return ""
    match node.type:
        case "string" if not isinstance(value, str):
            return f"expected string, got &value.valueUnstructured{{Value:{_literal(value)}}}"
        case "integer" | "number" if isinstance(value, bool) or not isinstance(value, int | float):
            return f"expected numeric (int or float), got {go_type(value)}"
        case "boolean" if not isinstance(value, bool):
            return f"expected boolean, got &{{{go_text(value)}}}"
        case "array" if not isinstance(value, list):
            return f"expected list, got &{{{go_text(value)}}}"
        case "object" if not isinstance(value, dict):
            return f"expected map, got &{{{go_text(value)}}}"
    return ""


def go_type(value: Any) -> str:
    """What Go calls the type of a JSON value."""
    return _GO_TYPES.get(type(value), "<nil>")


def go_text(value: Any) -> str:
    """A JSON value as Go's ``%v`` prints it."""
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{go_text(item)}' for key, item in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(go_text, value))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _literal(value: Any) -> str:
    """As ``%#v`` prints it."""
    if isinstance(value, dict):
        fields = ", ".join(f"{json.dumps(key)}:{_literal(item)}" for key, item in sorted(value.items()))
        return f"map[string]interface {{}}{{{fields}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_literal, value))}}}"
    if value is None:
        return "interface {}(nil)"
    return json.dumps(value, ensure_ascii=False)
