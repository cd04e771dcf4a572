"""CustomResourceDefinitions: what is checked of one, the kinds it makes, and the status it gets at once."""

from typing import Any

from mlplane.local.apiserver.crdchecks import check_crd
from mlplane.local.apiserver.registry import Registry, Resource
from mlplane.local.apiserver.rows import Change, Collection, Key
from mlplane.local.apiserver.statuses import Body, Cause

CRDS = Collection("apiextensions.k8s.io", "customresourcedefinitions")
CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


def fill_defaults(crd: Body) -> None:
    """Default names, conversion and the finalizer that lets instances go first; in place."""
    spec = crd.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if kind := names.get("kind"):
        names.setdefault("singular", kind.lower())
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})


def problems(crd: Body) -> list[Cause]:
    """What is wrong with the definition itself, its schemas included."""
    causes = check_crd(crd)
    strategy = crd["spec"]["conversion"].get("strategy")
    if strategy != "None":
        message = f'Unsupported value: "{strategy}": supported values: "None"'
        causes.append(Cause("FieldValueNotSupported", "spec.conversion.strategy", message))
    return causes


def resources_of(crd: Body) -> list[Resource]:
    """The kinds that a definition makes: one for each served version."""
    spec = crd["spec"]
    storage = next(v["name"] for v in spec["versions"] if v.get("storage"))
    return [_resource(spec, version, storage) for version in spec["versions"] if version.get("served")]


def _resource(spec: Body, version: Body, storage: str) -> Resource:
    names = spec["names"]
    group = spec["group"]
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
        subresources=("status",) if "status" in (version.get("subresources") or {}) else (),
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


def established(crd: Body, now: str) -> None:
    """Write the status of an accepted definition: it is served from this moment; in place."""
    spec = crd["spec"]
    status = crd.setdefault("status", {})
    status["acceptedNames"] = dict(spec["names"])
    storage = next(v["name"] for v in spec["versions"] if v.get("storage"))
    stored = status.setdefault("storedVersions", [])
    if storage not in stored:
        stored.append(storage)
    set_condition(status, "NamesAccepted", "NoConflicts", "no conflicts found", now)
    set_condition(status, "Established", "InitialNamesAccepted", "the initial names have been accepted", now)


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
    fixed = {
        "spec.group": (old["group"], new["group"]),
        "spec.scope": (old["scope"], new["scope"]),
        "spec.names.plural": (old["names"]["plural"], new["names"]["plural"]),
        "spec.names.kind": (old["names"]["kind"], new["names"]["kind"]),
    }
    return [
        Cause("FieldValueInvalid", at, f'Invalid value: "{now}": field is immutable')
        for at, (was, now) in fixed.items()
        if was != now
    ]


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
