"""Metadata as the API server reads it: every field typed, unknown ones left out, null as if absent.

Schemas of custom resources do not speak of metadata, so it is the same for all of them, and for the
embedded resources inside of them. ``schemas`` and the object layer call ``read``.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from mlplane.body import Body
from mlplane.errors import InvalidInput

_STRINGS = ("generateName", "name", "namespace", "resourceVersion", "selfLink", "uid")
_TIMES = ("creationTimestamp", "deletionTimestamp")
_WHOLE = ("deletionGracePeriodSeconds", "generation")
_MAPS = ("annotations", "labels")
_OWNER = {
    "apiVersion": "string",
    "blockOwnerDeletion": "bool",
    "controller": "bool",
    "kind": "string",
    "name": "string",
    "uid": "string",
}
_ENTRY = {
    "apiVersion": "string",
    "fieldsType": "string",
    "fieldsV1": "",
    "manager": "string",
    "operation": "string",
    "subresource": "string",
    "time": "time",
}
_LISTS = {"managedFields": ("ManagedFieldsEntry", _ENTRY), "ownerReferences": ("OwnerReference", _OWNER)}
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_GO_TYPES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


def read(meta: Any, path: str) -> tuple[Body, list[str]]:
    """Metadata without unknown fields, and the paths of those.

    Args:
        meta: What a client sent as ``metadata``.
        path: Where it stands, with ``metadata`` itself.

    Raises:
        InvalidInput: A field has the wrong type; in the words of Go.
    """
    if meta is None:
        return {}, []
    if not isinstance(meta, dict):
        raise InvalidInput(f"json: cannot unmarshal {_type(meta)} into Go value of type v1.ObjectMeta")
    found: Body = {}
    unknown: list[str] = []
    for name in sorted(meta) if len(meta) > 1 else meta:
        reader = _READERS.get(name)
        if reader is None:
            unknown.append(f"{path}.{name}")
        elif meta[name] is not None:
            found[name] = reader(name, meta[name], f"{path}.{name}", unknown)
    return {name: found[name] for name in meta if name in found}, unknown


def _type(value: Any) -> str:
    return _GO_TYPES.get(type(value), "null")


def _misfit(value: Any, field: str, want: str) -> InvalidInput:
    shown = f" {value}" if want == "int64" and isinstance(value, float) else ""
    return InvalidInput(
        f"json: cannot unmarshal {_type(value)}{shown} into Go struct field {field} of type {want}"
    )


def _string(name: str, value: Any, _path: str, _unknown: list[str]) -> str:
    if not isinstance(value, str):
        raise _misfit(value, f"ObjectMeta.{name}", "string")
    return value


def _whole(name: str, value: Any, _path: str, _unknown: list[str]) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _misfit(value, f"ObjectMeta.{name}", "int64")
    return int(value)


def _time(name: str, value: Any, _path: str, _unknown: list[str]) -> str:
    return _moment(value, f"ObjectMeta.{name}")


def _moment(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise _misfit(value, field, "string")
    try:
        if _TIME.fullmatch(value):
            datetime.fromisoformat(re.sub(r"\.\d+", "", value).upper().replace("Z", "+00:00"))
            return value
    except ValueError:
        pass
    raise InvalidInput(
        f'parsing time "{value}" as "2006-01-02T15:04:05Z07:00": cannot parse "{value}" as "2006"'
    )


def _map(name: str, value: Any, _path: str, _unknown: list[str]) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _misfit(value, f"ObjectMeta.{name}", "map[string]string")
    for item in value.values():
        if item is not None and not isinstance(item, str):
            raise _misfit(item, f"ObjectMeta.{name}", "string")
    return {key: item or "" for key, item in value.items()}


def _finalizers(name: str, value: Any, _path: str, _unknown: list[str]) -> list[str]:
    if not isinstance(value, list):
        raise _misfit(value, f"ObjectMeta.{name}", "[]string")
    for item in value:
        if item is not None and not isinstance(item, str):
            raise _misfit(item, f"ObjectMeta.{name}", "string")
    return [item or "" for item in value]


def _structs(name: str, value: Any, path: str, unknown: list[str]) -> list[Body]:
    struct, types = _LISTS[name]
    if not isinstance(value, list):
        raise _misfit(value, f"ObjectMeta.{name}", f"[]v1.{struct}")
    found: list[Body] = []
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, dict):
            raise _misfit(item, f"ObjectMeta.{name}", f"v1.{struct}")
        unknown += [f"{path}[{index}].{key}" for key in sorted(item or ()) if key not in types]
        found.append(
            {
                key: _typed(types[key], each, f"{struct}.{name}.{key}")
                for key, each in (item or {}).items()
                if key in types and each is not None
            }
        )
    return found


def _typed(want: str, value: Any, field: str) -> Any:
    if want == "time":
        return _moment(value, field)
    if want and type(value) is not (str if want == "string" else bool):
        raise _misfit(value, field, want)
    return value


_Reader = Callable[[str, Any, str, list[str]], Any]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(_STRINGS, _string),
    **dict.fromkeys(_TIMES, _time),
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_MAPS, _map),
    **dict.fromkeys(_LISTS, _structs),
    "finalizers": _finalizers,
}
FIELDS = frozenset(_READERS)
"""What metadata can have."""
