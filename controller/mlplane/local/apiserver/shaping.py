"""What a request says, brought into the shape that a write needs: its identity, its place, its part. Pure."""

from collections.abc import Callable
from typing import Any

from mlplane.local.apiserver import metadata, patches
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Key
from mlplane.local.apiserver.statuses import Body, bad_request, unsupported_media_type
from mlplane.local.apiserver.writes import PatchType


def replacement(resource: Resource, key: Key, body: Body) -> Callable[[Body], Body]:
    """The change that a PUT is.

    Raises:
        ApiError: 400 if the body is about another object; 422 if a needed resourceVersion is missing.
    """
    body = identified(resource, body)
    meta = metadata.meta_of(body)
    if meta.get("name") != key.name:
        raise bad_request(
            f"the name of the object ({meta.get('name', '')}) does not match the name on the URL ({key.name})"
        )
    place(resource, meta, key.namespace)

    def change(old: Body) -> Body:
        sure = not resource.unconditional_update
        metadata.check_precondition(resource, old["metadata"], meta, sure=sure)
        return body

    return change


def patcher(resource: Resource, kind: PatchType, patch: Any) -> Callable[[Body], Body]:
    """The change that a patch is.

    Raises:
        ApiError: 415 for a strategic merge patch of a custom resource.
    """
    if kind == "json":
        return lambda old: patches.json_patch(old, patch)
    if kind == "merge":
        return lambda old: patches.merge_patch(old, patch)
    if resource.custom:
        raise unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
        )
    return lambda old: patches.strategic_merge_patch(old, patch, resource.kind)


def identified(resource: Resource, body: Body) -> Body:
    """A shallow copy with metadata of its own, under the resource's apiVersion and kind.

    Raises:
        ApiError: 400 if the body is of another kind.
    """
    if not isinstance(body, dict):
        raise bad_request(f"the body must be an object, found {type(body).__name__}")
    for field, expected in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        found = body.get(field)
        # Typed clients leave both out for built-in kinds.
        if found is None and not resource.custom:
            continue
        if not found:
            raise bad_request(f"Object '{field[0].upper()}{field[1:]}' is missing")
        if found != expected:
            what = "API version" if field == "apiVersion" else "kind"
            raise bad_request(
                f"the {what} in the data ({found}) does not match the expected {what} ({expected})"
            )
    metadata.meta_of(body)
    named: Body = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**named, **body, "metadata": dict(body["metadata"])}


def place(resource: Resource, meta: dict[str, Any], namespace: str) -> None:
    """Put the namespace of the path into metadata.

    Raises:
        ApiError: 400 if the body names another one.
    """
    if not resource.namespaced:
        meta.pop("namespace", None)
        return
    sent = meta.get("namespace") or namespace
    meta["namespace"] = namespace
    if sent != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def configuration(resource: Resource, key: Key, applied: Any, subresource: str) -> Body:
    """What an apply patch says about this endpoint: name and namespace of the path are filled in.

    Raises:
        ApiError: 400 if the patch is about another object, or carries managedFields.
    """
    body = identified(resource, applied)
    meta = body["metadata"]
    if meta.setdefault("name", key.name) != key.name:
        raise bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({key.name})"
        )
    place(resource, meta, key.namespace)
    metadata.tidy(meta)  # an empty map would be owned, and then be gone
    if subresource or not resource.has_status:
        return body
    return {name: value for name, value in body.items() if name != "status"}


def scoped(resource: Resource, old: Body, new: Body, subresource: str) -> Body:
    """Only what this endpoint writes is taken from the new object."""
    if subresource:
        meta = dict(old["metadata"])
        if "managedFields" in new["metadata"]:
            meta["managedFields"] = new["metadata"]["managedFields"]
        part = "spec" if subresource == "finalize" else "status"
        return _with(old, part, new.get(part)) | {"metadata": meta}
    return _with(new, "status", old.get("status")) if resource.has_status else new


def _with(body: Body, field: str, value: Any) -> Body:
    rest = {k: v for k, v in body.items() if k != field}
    return rest if value is None else {**rest, field: value}


def counted(body: Body, resource: Resource) -> Body:
    """What a generation counts the changes of."""
    ignored = ("metadata", "status") if resource.has_status else ("metadata",)
    return {key: value for key, value in body.items() if key not in ignored}
