"""What a client sent, as an object of a kind: typed metadata, no unknown fields, the real refusals.

``shaping`` and ``verbs`` call it for the bodies of create and update, and for what a patch makes of objects.
"""

from collections.abc import Callable
from typing import Any

import orjson

from mlplane.errors import InvalidInput
from mlplane.local.apiserver import bodies, crdfields, metadata
from mlplane.local.apiserver.gojson import type_name
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request, internal, invalid
from mlplane.local.apiserver.writes import WriteOptions
from mlplane.structural import causes, objectmeta
from mlplane.structural.nodes import META_FIELDS

_SUMMARY_LIMIT = 30
_NO_TYPE = (
    'Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; '
    'Kind string "json:\\"kind,omitempty\\"" }'
)


def sent(resource: Resource, content_type: str, data: bytes, header: str | None) -> bodies.Document:
    """The body of a create or an update, which says of what kind it is.

    Raises:
        ApiError: 400 if it is no such object; 415 for a type that is not known.
    """
    try:
        document = bodies.decode(content_type, data, header)
        problem = _unrecognised(resource, document.value, data)
    except ValueError as error:
        said = str(error)
        problem = (
            said if said.startswith("yaml: ") else f"couldn't get version/kind; json parse error: {said}"
        )
    if problem:
        raise bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): {problem} "
            f"({_summary(data)})"
        )
    return document


def _unrecognised(resource: Resource, value: Any, data: bytes) -> str:
    """Why a body says nothing of its kind; empty if it does, or need not."""
    if value is not None and not isinstance(value, dict):
        why = f"json: cannot unmarshal {type_name(value)} into {_NO_TYPE}"
        return f"couldn't get version/kind; json parse error: {why}"
    for field in ("apiVersion", "kind"):
        if not isinstance(found := (value or {}).get(field, ""), str) and found is not None:
            return (
                "couldn't get version/kind; json parse error: json: cannot unmarshal "
                f"{type_name(found)} into Go struct field .{field} of type string"
            )
    if resource.custom and not (value or {}).get("kind"):
        return f"Object 'Kind' is missing in '{data.decode(errors='replace')}'"
    version = (value or {}).get("apiVersion") or ""
    return f"unexpected GroupVersion string: {version}" if version.count("/") > 1 else ""


def _summary(data: bytes) -> str:
    if not data:
        return "<empty>"
    more = " ..." if len(data) > _SUMMARY_LIMIT else ""
    start = data[:_SUMMARY_LIMIT]
    return (start.decode(errors="replace") if data.startswith(b"{") else start.hex()) + more


def read(resource: Resource, body: Body, complaints: tuple[str, ...], options: WriteOptions) -> Body:
    """An object that a client sent whole.

    Args:
        resource: The kind.
        body: The object, identified.
        complaints: What strict reading of its text does not forgive.
        options: The options of the request; what is only warned of is added to their warnings.

    Raises:
        ApiError: 400 if it does not fit, is of another version, or for anything unknown under Strict.
    """
    try:
        found = _read(resource, body, complaints, options)
    except InvalidInput as error:
        version = body["apiVersion"].rpartition("/")[2]
        raise bad_request(
            f'{body["kind"]} in version "{version}" cannot be handled as a {resource.kind}: {error}'
        ) from None
    refuse_mismatch(resource, body)
    return found


def refuse_mismatch(resource: Resource, body: Body) -> None:
    """What is sent to a path is of its version, and for built-in kinds of its kind.

    Raises:
        ApiError: 400 if it is not.
    """
    for field, what, expected in (
        ("apiVersion", "API version", resource.api_version),
        ("kind", "kind", resource.kind),
    ):
        if (found := body[field]) != expected and (field == "apiVersion" or not resource.custom):
            raise bad_request(
                f"the {what} in the data ({found or ''}) does not match the expected {what} ({expected})"
            )


def patched(
    resource: Resource,
    body: Any,
    complaints: tuple[str, ...],
    options: WriteOptions,
    text: Callable[[], bytes],
) -> Body:
    """What a patch has made of an object.

    Args:
        resource: The kind.
        body: The object after the patch.
        complaints: What strict reading of the patch does not forgive.
        options: As for ``read``.
        text: Makes JSON of the object after the patch, for messages.

    Raises:
        ApiError: 422 if it is no object of this kind any more, or for anything unknown under Strict.
    """
    if not resource.custom:
        return read(resource, body, complaints, options)
    if not body.get("kind"):
        raise _not_patched(text(), f"Object 'Kind' is missing in '{text().decode()}'")
    if not body.get("apiVersion"):
        raise internal("Object 'apiVersion' is missing in 'object has no apiVersion field'")
    try:
        found = _read(resource, body, complaints, options)
    except InvalidInput as error:
        raise _not_patched(text(), str(error)) from None
    refuse_other_kind(resource, body)
    return found


def refuse_other_kind(resource: Resource, body: Body) -> None:
    """An object stays of its kind.

    Raises:
        ApiError: 422 if apiVersion or kind are others.
    """
    wanted = (("kind", resource.kind), ("apiVersion", resource.api_version))
    found = [causes.invalid(key, body[key], f"must be {want}") for key, want in wanted if body[key] != want]
    if found:
        group = body["apiVersion"].rpartition("/")[0]
        raise invalid(group, body["kind"], (body.get("metadata") or {}).get("name") or "", found)


def _not_patched(text: bytes, why: str) -> ApiError:
    cause = causes.invalid("patch", text.decode(), why)
    return ApiError(422, "Invalid", f' "" is invalid: patch: {cause.message}', causes=[cause])


def pretty(body: Any) -> bytes:
    """An object as the real server writes it: fields in the order of their names."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def _read(resource: Resource, body: Body, complaints: tuple[str, ...], options: WriteOptions) -> Body:
    meta, unknown = objectmeta.read(body.get("metadata"), "metadata")
    body = {**body, "metadata": meta}
    if resource.custom and _is_of_no_version(resource, body):
        unknown += sorted(body.keys() - {*META_FIELDS})
    elif resource.schema is not None and body["kind"] == resource.kind:
        body, pruned = resource.schema.prune(body)
        body, embedded = resource.schema.coerce(body)
        unknown += pruned + embedded
    if resource.kind == "CustomResourceDefinition":
        body, pruned = crdfields.pruned(body)
        unknown += pruned
    found = [*complaints, *(f'unknown field "{path}"' for path in unknown)]
    if found and options.validation == "Strict":
        raise InvalidInput(f"strict decoding error: {', '.join(found)}")
    if options.validation == "Warn":
        options.warnings.extend(_warnings(found))
    metadata.dedupe_owners(meta, options.warnings)
    return body


def _is_of_no_version(resource: Resource, body: Body) -> bool:
    """Whether an object is of a version that its definition does not have: no field of it is known then."""
    group, _, version = body["apiVersion"].rpartition("/")
    same = (group, body["kind"]) == (resource.group, resource.kind)
    return same and version not in resource.siblings


def _warnings(found: list[str]) -> list[str]:
    lines = [line.strip() for each in found for line in each.split("\n")]
    return [line for line in lines if line != "yaml: unmarshal errors:"]
