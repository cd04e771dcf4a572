"""Strategic merge patch of built-in kinds: lists merge by key, directives say more than JSON can.

``patches`` exports it. Custom resources do not take this kind of patch, so the built-in merge keys suffice.
"""

from typing import Any

from mlplane.local.apiserver import mergekeys
from mlplane.local.apiserver.statuses import Body, bad_request

_PATCH = "$patch"
_RETAIN_KEYS = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE_VALUES = "$deleteFromPrimitiveList/"
_DIRECTIVES = (_PATCH, _RETAIN_KEYS, _ORDER, _DELETE_VALUES)


def strategic_merge_patch(target: Body, patch: Body, kind: str) -> Body:
    """Apply a strategic merge patch to an object of a built-in kind.

    Args:
        target: The object as it is.
        patch: The patch, with directives ``$patch`` (replace, delete, merge), ``$retainKeys``,
            ``$setElementOrder/<list>`` and ``$deleteFromPrimitiveList/<list>``.
        kind: Kind of the object.

    Raises:
        ApiError: 400 when the patch is not an object, or a directive is malformed.
    """
    if not isinstance(patch, dict):
        raise bad_request("a strategic merge patch must be a JSON object")
    return _merge_object(target, patch, kind)


def _merge_object(target: Any, patch: Body, kind: str) -> Body:
    directive = patch.get(_PATCH, "merge")
    if directive == "delete":
        return {}
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != _PATCH}
    if directive != "merge":
        raise bad_request(f"Unknown directive type: {directive}")
    result = dict(target) if isinstance(target, dict) else {}
    _retain(result, patch)
    _delete_values(result, patch)
    for key, value in patch.items():
        if not key.startswith(_DIRECTIVES):
            _merge_field(result, key, value, kind)
    _order(result, patch, kind)
    return result


def _merge_field(result: Body, key: str, value: Any, kind: str) -> None:
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        result[key] = _merge_object(result.get(key), value, kind)
    elif isinstance(value, list):
        result[key] = _merge_list(result.get(key), value, key, kind)
    else:
        result[key] = value


def _merge_list(target: Any, patch: list[Any], field: str, kind: str) -> list[Any]:
    old = target if isinstance(target, list) else []
    if field in mergekeys.SETS:
        return old + [value for value in patch if value not in old]
    keys = mergekeys.keys_of(field, kind)
    if not keys:
        return patch
    if any(isinstance(item, dict) and item.get(_PATCH) == "replace" for item in patch):
        return [item for item in patch if item.get(_PATCH) != "replace"]
    return _merge_items(old, patch, keys[0], kind)


def _merge_items(old: list[Any], patch: list[Any], key: str, kind: str) -> list[Any]:
    """The patch's items merged into the old ones; new ones are appended."""
    items: dict[Any, Any] = {item.get(key): item for item in old if isinstance(item, dict)}
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item!r} does not contain declared merge key: {key}")
        name = item[key]
        if item.get(_PATCH) == "delete":
            items.pop(name, None)
        else:
            items[name] = _merge_object(items.get(name), item, kind)
    return list(items.values())


def _retain(result: Body, patch: Body) -> None:
    """Drop what ``$retainKeys`` does not list."""
    if _RETAIN_KEYS in patch:
        kept = patch[_RETAIN_KEYS]
        if not isinstance(kept, list):
            raise bad_request(f"{_RETAIN_KEYS} must be a list of field names")
        for key in [key for key in result if key not in kept]:
            del result[key]


def _delete_values(result: Body, patch: Body) -> None:
    """Remove the values of ``$deleteFromPrimitiveList/<list>``."""
    for directive, values in patch.items():
        if directive.startswith(_DELETE_VALUES):
            field = directive.removeprefix(_DELETE_VALUES)
            result[field] = [value for value in result.get(field) or [] if value not in values]


def _order(result: Body, patch: Body, kind: str) -> None:
    """Sort the lists of ``$setElementOrder/<list>``; items that it does not name follow those before them."""
    for directive, order in patch.items():
        field = directive.removeprefix(_ORDER)
        items = result.get(field)
        if directive.startswith(_ORDER) and isinstance(items, list) and isinstance(order, list):
            keys = mergekeys.keys_of(field, kind)
            wanted = [_identity(item, keys) for item in order]
            result[field] = _ordered(items, wanted, keys)


def _ordered(items: list[Any], wanted: list[Any], keys: tuple[str, ...]) -> list[Any]:
    rank = {name: place for place, name in enumerate(wanted)}
    places: list[tuple[int, int]] = []
    last = -1
    for index, item in enumerate(items):
        last = rank.get(_identity(item, keys), last)
        places.append((last, index))
    return [items[index] for _, index in sorted(places)]


def _identity(item: Any, keys: tuple[str, ...]) -> Any:
    return item.get(keys[0]) if keys and isinstance(item, dict) else item
