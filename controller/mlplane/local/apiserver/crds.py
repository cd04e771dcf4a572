"""CustomResourceDefinitions: what is checked of one, the kinds it makes, and the conditions of its status."""

from dataclasses import replace
from typing import Any

from mlplane.local.apiserver import versions
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Change, Collection, Key
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes

CRDS = Collection("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"
"""Holds a definition, from its deletion on, until its instances are gone."""
_NEW: Body = {"acceptedNames": {"kind": "", "plural": ""}, "conditions": []}
"""The status of a definition before anything is known of its names."""


def fill_defaults(crd: Body) -> None:
    """Default the names and the conversion; in place."""
    spec = crd.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if kind := names.get("kind"):
        names["singular"] = names.get("singular") or kind.lower()
        names["listKind"] = names.get("listKind") or f"{kind}List"
    if spec.get("conversion") is None:
        spec["conversion"] = {"strategy": "None"}


def store(crd: Body, old: Body | None) -> None:
    """Write down the versions that objects may be kept in: the present one too; in place."""
    status = crd["status"] = {**_NEW} if old is None else crd["status"]
    storing = [each["name"] for each in crd["spec"].get("versions") or () if each.get("storage")]
    stored = status.get("storedVersions") or []
    if storing:
        status["storedVersions"] = [*stored, *(name for name in storing[:1] if name not in stored)]


def resources_of(crd: Body) -> list[Resource]:
    """The kinds that a definition makes: one for each served version, under the names that are its own."""
    if not is_established(crd):
        return []
    spec = {**crd["spec"], "names": crd["status"]["acceptedNames"]}
    storage = next(v["name"] for v in spec["versions"] if v.get("storage"))
    meta = crd.get("metadata") or {}
    # A definition that never changed has had one schema all the time.
    since = int(meta.get("resourceVersion") or 0) if meta.get("generation", 1) > 1 else 0
    return [
        replace(_resource(spec, version, storage), since=since, going="deletionTimestamp" in meta)
        for version in spec["versions"]
        if version.get("served")
    ]


def _resource(spec: Body, version: Body, storage: str) -> Resource:
    names = spec["names"]
    group = spec["group"]
    parts = version.get("subresources") or {}
    return Resource(
        group=group,
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        singular=names["singular"],
        list_kind=names["listKind"],
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(name for name in ("scale", "status") if name in parts),
        selectable=tuple(each["jsonPath"][1:] for each in version.get("selectableFields") or ()),
        scale=parts.get("scale"),
        deprecation=versions.deprecation(spec, version),
        siblings=tuple(each["name"] for each in spec["versions"]),
        stored_version="" if version["name"] == storage else f"{group}/{storage}",
        custom=True,
        counts_generation=True,
        unconditional_update=False,
        openapi=_openapi(version),
        columns=version.get("additionalPrinterColumns"),
    )


def _openapi(version: Body) -> Body | None:
    schema: Body | None = (version.get("schema") or {}).get("openAPIV3Schema")
    return schema


def terminating(crd: Body, now: str) -> None:
    """Write the condition of a definition whose instances are being deleted; in place."""
    message = "CustomResource deletion is in progress"
    set_condition(crd.setdefault("status", {}), "Terminating", "InstanceDeletionInProgress", message, now)


def set_condition(status: Body, kind: str, reason: str, message: str, now: str, value: str = "True") -> None:
    """Set one condition; ``lastTransitionTime`` moves only when its status does; in place."""
    conditions: list[dict[str, Any]] = status.setdefault("conditions", [])
    fresh = {"type": kind, "status": value, "reason": reason, "message": message, "lastTransitionTime": now}
    for index, condition in enumerate(conditions):
        if condition.get("type") == kind:
            if condition.get("status") == value:
                fresh["lastTransitionTime"] = condition.get("lastTransitionTime", now)
            conditions[index] = fresh
            return
    conditions.append(fresh)


def changed_names(old: Body, new: Body) -> list[Cause]:
    """What an update may not change: objects are kept under it."""
    was, now = old["spec"], new["spec"]
    fixed = [("spec.group", was["group"], now.get("group"))]
    if is_established(old):
        fixed = [
            ("spec.scope", was["scope"], now.get("scope")),
            ("spec.names.kind", was["names"]["kind"], now["names"].get("kind")),
            *fixed,
        ]
    fixed.append(("spec.names.plural", was["names"]["plural"], now["names"].get("plural")))
    return [
        causes.invalid(where, after, "field is immutable")
        for where, before, after in fixed
        if before != after
    ]


def is_established(crd: Body) -> bool:
    """Whether the kinds of a definition are served."""
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)


def follow(registry: Registry, change: Change) -> Collection | None:
    """Make the kinds that are served follow a committed definition.

    Returns:
        The collection that is no longer served, if the definition is gone.
    """
    crd = change.row.decode()
    if change.type != "DELETED":
        registry.install(change.row.key.name, resources_of(crd))
        return None
    registry.uninstall(change.row.key.name)
    return Collection(crd["spec"]["group"], crd["spec"]["names"]["plural"])


def definition_of(resource: Resource) -> Key:
    """Where the definition of a custom kind is."""
    return Key(*CRDS, "", f"{resource.plural}.{resource.group}")
