"""What a request says, brought into the shape that a write needs: its identity, its place, its part. Pure."""

from collections.abc import Callable
from typing import Any

import orjson

from mlplane.local.apiserver import decoding, managedfields, metadata, patches
from mlplane.local.apiserver.bodies import Document
from mlplane.local.apiserver.gojson import type_name
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Key
from mlplane.local.apiserver.statuses import Body, bad_request
from mlplane.local.apiserver.writes import PatchType, WriteOptions


def replacement(
    resource: Resource, key: Key, document: Document, options: WriteOptions
) -> Callable[[Body], Body]:
    """The change that a PUT is.

    Raises:
        ApiError: 400 if the body is about another object; 422 if a needed resourceVersion is missing.
    """
    body = decoding.read(resource, identified(resource, document.value), document.complaints, options)
    meta = body["metadata"]
    metadata.check_name(meta, key.name)
    place(resource, meta, key.namespace)

    def change(old: Body) -> Body:
        sure = not resource.unconditional_update
        metadata.check_precondition(resource, old["metadata"], meta, sure=sure)
        return body

    return change


def patcher(
    resource: Resource, kind: PatchType, document: Document, options: WriteOptions
) -> Callable[[Body], Body]:
    """The change that a patch is."""

    def patched(old: Body) -> tuple[Body, list[str]]:
        if kind == "json":
            return patches.json_patch(old, document.value), patches.oddities(document.value)
        if kind == "merge":
            return patches.merge_patch(old, document.value), []
        return patches.strategic_merge_patch(old, document.value, resource.kind), []

    def change(old: Body) -> Body:
        new, found = patched(old)
        complaints = [*found, *document.complaints]
        if kind == "json":
            complaints = [f"json patch {each}" for each in complaints]
        return decoding.patched(
            resource,
            new,
            tuple(complaints),
            options,
            # Merged fields come last in the real server's text too.
            lambda: orjson.dumps(patched(orjson.loads(decoding.pretty(old)))[0]),
        )

    return change


def identified(resource: Resource, body: Body) -> Body:
    """A shallow copy that says what it is: with metadata, apiVersion and kind.

    Raises:
        ApiError: 400 if the body is no object.
    """
    if not isinstance(body, dict):
        raise bad_request(f"the body must be an object, found {type(body).__name__}")
    # Typed clients leave both out for built-in kinds.
    version, kind = ("", "") if resource.custom else (resource.api_version, resource.kind)
    named = {"apiVersion": body.get("apiVersion") or version, "kind": body.get("kind") or kind}
    return {**body, **named, "metadata": {} if body.get("metadata") is None else body["metadata"]}


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


_IDENTITY = ("name", "namespace", "uid", "resourceVersion", "managedFields")


def configuration(resource: Resource, key: Key, document: Document, options: WriteOptions) -> Body:
    """What an apply patch says about this endpoint: name and namespace of the path are filled in.

    Raises:
        ApiError: 400 if the patch is about another object, or carries managedFields.
    """
    _refuse_resets(document, options)
    _refuse_stranger(resource, document.value)
    body = identified(resource, document.value)
    decoding.refuse_mismatch(resource, body)
    if not resource.custom and resource.schema is not None:
        _refuse_undeclared(body, resource.schema.prune(body)[1])
    meta = body["metadata"] = dict(body["metadata"])
    meta.setdefault("name", key.name)
    metadata.check_name(meta, key.name)
    sent = meta.get("namespace")
    place(resource, meta, key.namespace)
    if not sent:
        meta.pop("namespace", None)
    if options.subresource == "status" and resource.custom:
        kept = {name: meta[name] for name in _IDENTITY if name in meta}
        return {name: value for name, value in body.items() if name != "spec"} | {"metadata": kept}
    if options.subresource or not resource.has_status:
        return body
    return {name: value for name, value in body.items() if name != "status"}


def _refuse_undeclared(body: Body, unknown: list[str]) -> None:
    """Fields that a built-in kind does not have; those of custom resources are found as they are merged."""
    if unknown:
        found = [f".{path}: field not declared in schema" for path in unknown]
        raise managedfields.not_typed(body, found)


def _refuse_stranger(resource: Resource, value: Any) -> None:
    """An apply patch of a custom resource is of its kind and its version."""
    if value is not None and not isinstance(value, dict):
        why = f"json: cannot unmarshal {type_name(value)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}")
    version, kind = (value or {}).get("apiVersion") or "", (value or {}).get("kind") or ""
    if resource.custom and (version, kind) != (resource.api_version, resource.kind):
        if version.count("/") > 1:
            version = kind = ""
        raise bad_request(f"invalid object type: {version or '/'}, Kind={kind}")


def _refuse_resets(document: Document, options: WriteOptions) -> None:
    """Keys that are set twice in the text of an apply patch."""
    if document.complaints and options.validation == "Strict":
        listed = "\n  ".join(("yaml: unmarshal errors:", *document.complaints))
        raise bad_request(f"error strict decoding YAML: error converting YAML to JSON: {listed}")
    if options.validation == "Warn":
        options.warnings.extend(document.complaints)


def scoped(resource: Resource, old: Body, new: Body, subresource: str) -> Body:
    """Only what this endpoint writes is taken from the new object."""
    if subresource:
        meta = dict(old["metadata"])
        if "managedFields" in new["metadata"]:
            meta["managedFields"] = new["metadata"]["managedFields"]
        part = "status" if subresource == "status" else "spec"
        return _with(old, part, new.get(part)) | {"metadata": meta}
    return _with(new, "status", old.get("status")) if resource.has_status else new


def _with(body: Body, field: str, value: Any) -> Body:
    rest = {k: v for k, v in body.items() if k != field}
    return rest if value is None else {**rest, field: value}


def counted(body: Body, resource: Resource) -> Body:
    """What a generation counts the changes of."""
    ignored = ("metadata", "status") if resource.has_status else ("metadata",)
    return {key: value for key, value in body.items() if key not in ignored}
