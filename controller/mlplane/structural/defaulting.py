"""Defaulting: objects with the values that their schema gives to absent fields. ``schemas`` calls it."""

from typing import Any

from mlplane.body import Body
from mlplane.structural.nodes import MISSING, Node
from mlplane.structural.pruning import same


def fill(node: Node, value: Any) -> Any:
    """A value with defaults; a null that may not be there gets one too, if there is one."""
    if not node.has_defaults:
        return value
    if isinstance(value, dict):
        defaulted: Body = {key: _fill_field(node.child(key), item) for key, item in value.items()}
        for key, child in node.properties.items():
            if key not in defaulted and child.default is not MISSING:
                defaulted[key] = fill(child, child.default)
        return value if same(list(defaulted.values()), list(value.values())) else defaulted
    if isinstance(value, list) and node.items is not None:
        items = [_fill_field(node.items, item) for item in value]
        return value if same(items, value) else items
    return value


def _fill_field(node: Node | None, value: Any) -> Any:
    if node is None:
        return value
    if value is None and not node.nullable:
        return None if node.default is MISSING else fill(node, node.default)
    return fill(node, value) if isinstance(value, dict | list) else value
