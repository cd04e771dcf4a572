"""Pruning: objects without the fields that their schema does not know, or that are null and may not be.

``schemas`` calls it when an object is read.
"""

from typing import Any

from mlplane.body import Body
from mlplane.structural.causes import Path, dotted
from mlplane.structural.nodes import META_FIELDS, MISSING, Node


def prune(node: Node | None, value: Any, path: Path, unknown: list[str]) -> Any:
    """A value without unknown fields; their paths are added to ``unknown``."""
    if isinstance(value, dict):
        return _prune_object(node, value, path, unknown)
    if isinstance(value, list):
        items = node.items if node is not None else None
        if items is None and node is not None and node.preserve:
            return value
        pruned = [prune(items, item, (path, index), unknown) for index, item in enumerate(value)]
        return value if same(pruned, value) else pruned
    return value


def _prune_object(node: Node | None, value: Body, path: Path, unknown: list[str]) -> Body:
    pruned: Body = {}
    for key, item in value.items():
        if node is not None and node.embedded and key in META_FIELDS:
            pruned[key] = item
            continue
        child = node.child(key) if node is not None else None
        if child is not None and item is None and not child.nullable and child.default is MISSING:
            continue  # absent, as far as the server is concerned
        if child is not None:
            pruned[key] = prune(child, item, (path, key), unknown) if isinstance(item, dict | list) else item
        elif node is not None and node.preserve:
            pruned[key] = item
        else:
            unknown.append(dotted((path, key)))
    return value if same(list(pruned.values()), list(value.values())) else pruned


def same(first: list[Any], second: list[Any]) -> bool:
    """Whether two lists hold the very same objects: then there is no need for a copy."""
    return len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))
