"""Between the version that an object is kept in and the version that a client asks for. Pure.

Versions of a custom resource differ in their apiVersion alone (conversion strategy None). What was written
before its definition changed is shown with the defaults, and without the fields, of the new schema. Events
are kept as core/v1 and shown as events.k8s.io/v1 too, whose fields have other names.
"""

import orjson

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.statuses import Body

_EVENT_FIELDS = {
    "count": "deprecatedCount",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "source": "deprecatedSource",
    "message": "note",
    "involvedObject": "regarding",
    "reportingComponent": "reportingController",
}
_CORE_EVENT_FIELDS = {new: core for core, new in _EVENT_FIELDS.items()}


def to_stored(resource: Resource, body: Body) -> Body:
    """The object as it is kept."""
    if not resource.stored_version:
        return body
    renamed = _renamed(body, _CORE_EVENT_FIELDS) if resource.group == "events.k8s.io" else dict(body)
    return {**renamed, "apiVersion": resource.stored_version}


def from_stored(resource: Resource, row: Row) -> Body:
    """A fresh copy of a row in the version of the resource."""
    body = row.decode()
    if row.revision < resource.since and resource.schema is not None:
        body = resource.schema.default(resource.schema.prune(body)[0])
    if not resource.stored_version:
        return body
    renamed = _renamed(body, _EVENT_FIELDS) if resource.group == "events.k8s.io" else body
    return {**renamed, "apiVersion": resource.api_version}


def shown(resource: Resource, row: Row) -> bytes:
    """The encoded object in the version of the resource; the row's own bytes where they will do."""
    as_kept = not resource.stored_version and row.revision >= resource.since
    return row.data if as_kept else orjson.dumps(from_stored(resource, row))


def _renamed(body: Body, names: dict[str, str]) -> Body:
    return {names.get(key, key): value for key, value in body.items()}
