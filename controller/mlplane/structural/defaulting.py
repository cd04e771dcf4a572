"""Defaulting: objects with the values that their schema gives to absent fields. ``structural`` calls it."""

from typing import Any

from mlplane.api.meta import Body
from mlplane.structural.nodes import MISSING, Node
from mlplane.structural.pruning import same


def fill(node: Node, value: Any) -> Any:
    """A value with defaults; a null that may not be there counts as absent."""
    if isinstance(value, dict):
        defaulted: Body = {}
        for key, item in value.items():
            if (kept := _fill_field(node.child(key), item)) is not MISSING:
                defaulted[key] = kept
        for key, child in node.properties.items() if node.has_defaults else ():
            if key not in defaulted and child.default is not MISSING:
                defaulted[key] = fill(child, child.default)
        return value if same(list(defaulted.values()), list(value.values())) else defaulted
    if isinstance(value, list) and node.items is not None:
        items = [_fill_item(node.items, item) for item in value]
        return value if same(items, value) else items
    return value


def _fill_field(node: Node | None, value: Any) -> Any:
    """The field's value with defaults; MISSING when it is a null that may not be there."""
    if node is None:
        return value
    if value is None and not node.nullable:
        return node.default if node.default is MISSING else fill(node, node.default)
    return fill(node, value) if isinstance(value, dict | list) else value


def _fill_item(node: Node, value: Any) -> Any:
    kept = _fill_field(node, value)
    return None if kept is MISSING else kept
