"""The entries of ``metadata.managedFields``: reading, writing, and the rules for the list as a whole.

``managedfields`` decides who owns what; this is how it is kept in an object.
"""

import json
from dataclasses import dataclass
from typing import Any

from mlplane.local.apiserver import fieldsets
from mlplane.local.apiserver.fieldsets import FieldSet
from mlplane.local.apiserver.statuses import ApiError, Body, Cause

_ANCIENT = "ancient-changes"
_MAX_UPDATERS = 10


@dataclass(frozen=True, slots=True)
class ManagerId:
    """What tells one manager's entry from another's."""

    manager: str
    operation: str
    api_version: str
    """Empty for Apply: there is one entry whatever version was applied."""
    subresource: str

    def text(self) -> str:
        """The manager as conflicts name it."""
        name = json.dumps(self.manager)
        if self.subresource:
            name += f' with subresource "{self.subresource}"'
        return f"{name} using {self.api_version}" if self.operation == "Update" else name


@dataclass(slots=True)
class Entry:
    """What a manager owns."""

    fields: FieldSet
    api_version: str
    time: str | None
    """When the manager last changed something, RFC 3339."""


Managers = dict[ManagerId, Entry]


def without(managers: Managers, fields: FieldSet) -> Managers:
    """The managers without some fields; who has nothing left is gone."""
    result: Managers = {}
    for name, entry in managers.items():
        if left := fieldsets.difference(entry.fields, fields):
            result[name] = Entry(left, entry.api_version, entry.time)
    return result


def requested(old: Body | None, new: Body, subresource: str) -> Managers:
    """The managers to start from: a client may have rewritten or reset them."""
    entries = (new.get("metadata") or {}).get("managedFields")
    if not subresource and entries is not None:
        if entries in ([], [{}]):
            return {}
        if found := read(new):
            return found
    return read(old)


def read(body: Body | None) -> Managers:
    """The managers that an object records; none when the record is malformed."""
    managers: Managers = {}
    for entry in ((body or {}).get("metadata") or {}).get("managedFields") or ():
        try:
            operation = entry["operation"]
            version = entry["apiVersion"]
            fields = fieldsets.decoded(entry.get("fieldsV1") or {})
        except (KeyError, TypeError, AttributeError):
            return {}
        name = ManagerId(
            entry.get("manager", ""),
            operation,
            version if operation == "Update" else "",
            entry.get("subresource", ""),
        )
        managers[name] = Entry(fields, version, entry.get("time"))
    return managers


def written(body: Body, managers: Managers) -> Body:
    """The object with the managers that own its fields."""
    entries = sorted(
        managers.items(),
        key=lambda item: (item[0].operation, item[1].time or "", item[0].manager, item[1].api_version),
    )
    metadata = bare(body).get("metadata") or {}
    if not entries:
        return body | {"metadata": metadata}
    return body | {"metadata": metadata | {"managedFields": [_encoded(*entry) for entry in entries]}}


def _encoded(name: ManagerId, entry: Entry) -> Body:
    result: dict[str, Any] = {
        "manager": name.manager,
        "operation": name.operation,
        "apiVersion": entry.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": fieldsets.encoded(entry.fields),
        "subresource": name.subresource,
    }
    return {key: value for key, value in result.items() if value not in (None, "")}


def capped(managers: Managers) -> Managers:
    """At most ten updaters: the oldest are merged into one, so that managedFields stays small."""
    updaters = [name for name in managers if name.operation == "Update"]
    updaters.sort(key=lambda name: (managers[name].time or "", name.manager != _ANCIENT))
    result = dict(managers)
    while len(updaters) > _MAX_UPDATERS:
        first, second = (result.pop(name) for name in updaters[:2])
        name = ManagerId(_ANCIENT, "Update", second.api_version, "")
        result[name] = Entry(fieldsets.union(first.fields, second.fields), second.api_version, second.time)
        updaters[:2] = [name]
    return result


def bare(body: Body) -> Body:
    """The object without managedFields."""
    metadata = body.get("metadata") or {}
    if "managedFields" not in metadata:
        return body
    return body | {"metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}


def conflict(conflicts: dict[ManagerId, FieldSet]) -> ApiError:
    """409 for an apply that would change fields of other managers."""
    named = sorted((name.text(), list(fieldsets.texts(fields))) for name, fields in conflicts.items())
    causes = [
        Cause("FieldManagerConflict", path, f"conflict with {name}")
        for name, paths in named
        for path in paths
    ]
    if len(causes) == 1:
        message = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        listed = [
            line for name, paths in named for line in (f"conflicts with {name}:", *(f"- {p}" for p in paths))
        ]
        message = f"Apply failed with {len(causes)} conflicts: " + "\n".join(listed)
    return ApiError(409, "Conflict", message, causes=causes)
