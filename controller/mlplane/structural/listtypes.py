"""Lists that are sets or maps: keys of items, duplicates, and the API server's complaints about them."""

import json
from collections.abc import Iterator
from typing import Any

from mlplane.structural import causes
from mlplane.structural.causes import Cause, MapKey, Path
from mlplane.structural.nodes import Node


def identity(value: Any) -> Any:
    """A hashable that is equal for equal JSON values, and different for 1, 1.0 and true."""
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True)
    return (type(value), value)


def key_of(item: Any, keys: tuple[str, ...]) -> Any:
    """What identifies an item in a list of type map; None when it is no object."""
    if not isinstance(item, dict):
        return None
    return tuple(identity(item.get(key)) for key in keys)


def by_key(items: Any, keys: tuple[str, ...]) -> dict[Any, Any]:
    """The items of a list of type map by their keys."""
    return {key_of(item, keys): item for item in items} if isinstance(items, list) else {}


def duplicates(values: list[Any]) -> list[int]:
    """Indices at which a value occurs for the second time."""
    seen: dict[Any, int] = {}
    found: list[int] = []
    for index, value in enumerate(values):
        name = identity(value)
        seen[name] = seen.get(name, 0) + 1
        if seen[name] == 2:
            found.append(index)
    return found


def check(node: Node, value: Any, path: Path = ()) -> Iterator[Cause]:
    """Duplicates in lists that are sets or maps, here and below."""
    if isinstance(value, list):
        yield from _check_list(node, value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list):
                if (child := node.properties.get(key)) is not None:
                    yield from check(child, item, (path, key))
                elif node.values is not None:
                    yield from check(node.values, item, (path, MapKey(key)))


def _check_list(node: Node, value: list[Any], path: Path) -> Iterator[Cause]:
    if len(value) > 1 and node.list_type == "set":
        for index in duplicates(value):
            yield causes.duplicate(_where(path, index), value[index])
    elif node.list_type == "map":
        yield from _check_map(node, value, path)
    if node.items is not None:
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from check(node.items, item, (path, index))


def _check_map(node: Node, value: list[Any], path: Path) -> Iterator[Cause]:
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            yield causes.invalid(_where(path, index), item, "must be an object for an array of list-type map")
            return
    names = [{key: item[key] for key in node.list_keys if key in item} if item else {} for item in value]
    for index in duplicates(names):
        yield causes.duplicate(_where(path, index), names[index])


def _where(path: Path, index: int) -> str:
    return causes.dotted((path, index), brackets=True)
