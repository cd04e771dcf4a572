"""Checks of how the lists of a CRD's schema say that they merge. ``schemachecks`` calls ``check_list``."""

from collections.abc import Iterator, Sequence

from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes

_KEYS = "x-kubernetes-list-map-keys"
_LIST_TYPE = "x-kubernetes-list-type"
_MAP_TYPE = "x-kubernetes-map-type"
_MERGES = ("atomic", "set", "map")


def check_list(schema: Body, path: str) -> Iterator[Cause]:
    """What is wrong with the list type and the map keys of a level."""
    merges, kind, keys = schema.get(_LIST_TYPE), schema.get("type") or "", schema.get(_KEYS) or ()
    if merges is not None and kind != "array":
        detail = f"must be array if {_LIST_TYPE} is specified"
        yield (
            causes.invalid(f"{path}.type", kind, detail) if kind else causes.required(f"{path}.type", detail)
        )
    elif merges == "set" and isinstance(items := schema.get("items"), dict):
        yield from _check_set(items, f"{path}.items")
    if merges is not None and merges not in _MERGES:
        yield causes.not_supported(f"{path}.{_LIST_TYPE}", merges, _MERGES)
    if keys and merges != "map":
        detail, where = f"must be map if {_KEYS} is non-empty", f"{path}.{_LIST_TYPE}"
        yield causes.required(where, detail) if merges is None else causes.invalid(where, merges, detail)
    if merges == "map":
        yield from _check_map(schema, path, keys)
    if merges in ("set", "map") and isinstance(items := schema.get("items"), dict):
        yield from _check_items(items, f"{path}.items", merges, keys if merges == "map" else ())


def _check_set(items: Body, where: str) -> Iterator[Cause]:
    """Items of a set are compared as a whole."""
    key = {"array": _LIST_TYPE, "object": _MAP_TYPE}.get(items.get("type") or "")
    if key is None:
        return
    merges = items.get(key)
    if merges != "atomic" and not (merges is None and key == _LIST_TYPE):
        detail = f"must be atomic as item of a list with {_LIST_TYPE}=set"
        yield causes.invalid(f"{where}.{key}", items.get(_LIST_TYPE), detail)


def _check_map(schema: Body, path: str, keys: Sequence[str]) -> Iterator[Cause]:
    items = schema.get("items")
    if not keys:
        yield causes.required(f"{path}.{_KEYS}", f"must not be empty if {_LIST_TYPE} is map")
    if items is None:
        yield causes.required(f"{path}.items", f"must have a schema if {_LIST_TYPE} is map")
    if not isinstance(items, dict):
        return
    if (kind := items.get("type") or "") != "object":
        detail = f"must be object if parent array's {_LIST_TYPE} is map"
        yield causes.invalid(f"{path}.items.type", kind, detail)
        return
    properties = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key not in properties:
            yield causes.invalid(
                f"{path}.{_KEYS}", list(keys), "entries must all be names of item properties"
            )
        elif properties[key].get("type") in ("array", "object"):
            detail = f"must be a scalar type if parent array's {_LIST_TYPE} is map"
            yield causes.invalid(f"{path}.items.properties[{key}].type", kind, detail)
        if key in keys[:index]:
            yield causes.invalid(f"{path}.{_KEYS}", list(keys), "must not contain duplicate entries")


def _check_items(items: Body, where: str, merges: str, keys: Sequence[str]) -> Iterator[Cause]:
    if items.get("nullable"):
        yield causes.forbidden(f"{where}.nullable", f"cannot be nullable when {_LIST_TYPE} is {merges}")
    for key in keys:
        if (found := (items.get("properties") or {}).get(key)) is None:
            continue
        place, named = f"{where}.properties[{key}]", f"this property is in {_KEYS}, so it"
        if key not in (items.get("required") or ()) and found.get("default") is None:
            yield causes.required(
                f"{place}.default", f"{named} must have a default or be a required property"
            )
        if found.get("nullable"):
            yield causes.forbidden(f"{place}.nullable", f"{named} cannot be nullable")
