"""``/scale`` of custom resources: their numbers, shown and written as an autoscaling/v1 Scale. Pure.

Where the numbers are is said by the definition: specReplicasPath, statusReplicasPath, labelSelectorPath.
"""

from collections.abc import Callable
from typing import Any

from mlplane.local.apiserver import patches
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Key
from mlplane.local.apiserver.statuses import (
    Body,
    bad_request,
    conflict,
    internal,
    invalid,
    unsupported_media_type,
)
from mlplane.local.apiserver.writes import PatchType
from mlplane.structural import causes

API_VERSION, KIND = "autoscaling/v1", "Scale"
GVK = {"group": "autoscaling", "version": "v1", "kind": KIND}
_TAKEN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def shown(resource: Resource, body: Body) -> Body:
    """The Scale of an object.

    Raises:
        ApiError: 500 if the object does not say how many it wants.
    """
    path = _path(resource, "specReplicasPath")
    if _at(body, path) is None:
        raise internal(f'the spec replicas field ".{".".join(path)}" does not exist')
    return _scale(resource, body)


def _scale(resource: Resource, body: Body) -> Body:
    wanted = _at(body, _path(resource, "specReplicasPath"))
    selector = _at(body, _path(resource, "labelSelectorPath"))
    meta = body["metadata"]
    return {
        "kind": KIND,
        "apiVersion": API_VERSION,
        "metadata": {key: meta[key] for key in _TAKEN if key in meta},
        "spec": {"replicas": wanted} if wanted else {},
        "status": {"replicas": _at(body, _path(resource, "statusReplicasPath")) or 0}
        | ({"selector": selector} if selector else {}),
    }


def replacement(resource: Resource, key: Key, sent: Any) -> Callable[[Body], Body]:
    """The change of the object that a PUT of its Scale is.

    Raises:
        ApiError: 400 if the body is no Scale of this object.
    """
    if not isinstance(sent, dict) or (
        sent.get("kind", KIND) != KIND or sent.get("apiVersion", API_VERSION) != API_VERSION
    ):
        raise bad_request(f"the body must be of kind {KIND} in {API_VERSION}")
    name = (sent.get("metadata") or {}).get("name")
    if name != key.name:
        raise bad_request(
            f"the name of the object ({name or ''}) does not match the name on the URL ({key.name})"
        )
    return lambda old: _into(resource, old, sent)


def patcher(resource: Resource, kind: PatchType, patch: Any) -> Callable[[Body], Body]:
    """The change of the object that a patch of its Scale is.

    Raises:
        ApiError: 415 for a kind of patch that a Scale has not.
    """
    if kind == "merge":
        return lambda old: _into(resource, old, patches.merge_patch(_scale(resource, old), patch))
    if kind == "json":
        return lambda old: _into(resource, old, patches.json_patch(_scale(resource, old), patch))
    types = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
    raise unsupported_media_type(
        f"the body of the request was in an unknown format - accepted media types include: {types}"
    )


def _into(resource: Resource, old: Body, scale: Body) -> Body:
    """The object with the number of a Scale."""
    meta, sent = old["metadata"], scale.get("metadata") or {}
    name, uid = meta["name"], sent.get("uid")
    if uid and uid != meta["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {meta['uid']}"
        raise conflict(resource.group, resource.plural, name, why)
    path = _path(resource, "specReplicasPath")
    count = (scale.get("spec") or {}).get("replicas") or 0
    if isinstance(count, bool) or not isinstance(count, int):
        found = causes.invalid("spec.replicas", count, "must be a whole number")
        raise invalid(resource.group, resource.kind, name, [found])
    version = sent.get("resourceVersion") or meta["resourceVersion"]
    return _with(old, path, count) | {"metadata": {**meta, "resourceVersion": version}}


def configuration(resource: Resource, key: Key, applied: Any) -> Body:
    """What an apply patch of a Scale says about the object itself.

    Raises:
        ApiError: 400 if the patch is no Scale of this object.
    """
    replacement(resource, key, applied)
    count = (applied.get("spec") or {}).get("replicas")
    body: Body = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": applied["metadata"]}
    return body if count is None else _with(body, _path(resource, "specReplicasPath"), count)


def _path(resource: Resource, name: str) -> tuple[str, ...]:
    text: str = (resource.scale or {}).get(name) or ""
    return tuple(text.removeprefix(".").split(".")) if text else ()


def _at(body: Body, path: tuple[str, ...]) -> Any:
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if path else None


def _with(body: Body, path: tuple[str, ...], value: Any) -> Body:
    key, *rest = path
    return {**body, key: _with(body.get(key) or {}, tuple(rest), value) if rest else value}
