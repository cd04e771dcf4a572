"""How objects go: at once, or marked with a deletionTimestamp until nothing holds them any more.

What holds an object: finalizers (``foregroundDeletion`` and ``orphan`` among them, which the collector works
off), a grace period (pods that run), the content of a namespace, the instances of a definition.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from mlplane.local.apiserver import crds, metadata
from mlplane.local.apiserver.conversion import from_stored
from mlplane.local.apiserver.deleteoptions import DeleteOptions
from mlplane.local.apiserver.kinds import NAMESPACES, PODS
from mlplane.local.apiserver.objects import Objects, is_held
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Key, Row
from mlplane.local.apiserver.statuses import ApiError, Body, conflict, forbidden, not_found

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
PROTECTED = ("default", "kube-system", "kube-public")
_POLICY_FINALIZERS = {"Foreground": FOREGROUND, "Orphan": ORPHAN}
_GRACE = 30

Transform = Callable[[Body], Body]
"""From an object as it is to the one that is wanted."""


async def delete(objects: Objects, resource: Resource, key: Key, options: DeleteOptions) -> Body:
    """Delete an object.

    Returns:
        A Status if the object is gone, the object if it is only marked.

    Raises:
        ApiError: 404; 403 for a namespace that the server needs; 409 for a failed precondition.
    """
    row = objects.store.head(key)
    if row is None:
        raise not_found(resource.group, resource.plural, key.name)
    marked = mark(objects, resource, row, options)
    await objects.settle()
    # The real server answers with the pod itself, whether it is gone or not.
    return marked if is_held(marked) or resource.collection == PODS else _gone(resource, marked["metadata"])


def mark(objects: Objects, resource: Resource, row: Row, options: DeleteOptions) -> Body:
    """Mark an object, or remove it if nothing holds it; without waiting for the disk.

    Returns:
        The object with its deletion.

    Raises:
        ApiError: As for ``delete``.
    """
    body = from_stored(resource, row)
    _check(resource, body["metadata"], options)
    marked = _marked(resource, body, options)
    if not options.dry_run and marked != body:
        objects.store_or_drop(resource, marked)
    return marked


async def delete_all(
    objects: Objects, resource: Resource, rows: Iterable[Row], options: DeleteOptions
) -> None:
    """Delete objects of a collection that have been listed, as far as they are still the same."""
    for row in rows:
        if objects.store.head(row.key) is row:
            with suppress(ApiError):  # one that is protected keeps no other from being deleted
                mark(objects, resource, row, options)
    await objects.settle()


def _check(resource: Resource, meta: dict[str, Any], options: DeleteOptions) -> None:
    """Check preconditions."""
    if resource.collection == NAMESPACES:
        if options.uid is not None and options.uid != meta["uid"]:
            found = f"UID in precondition: {options.uid}, UID in object meta: {meta['uid']}"
            raise conflict("", "namespaces", meta["name"], f"Precondition failed: {found}")
        if meta["name"] in PROTECTED:
            raise forbidden("", "namespaces", meta["name"], "this namespace may not be deleted")
    for word, wanted, found, hint in (
        ("UID", options.uid, meta["uid"], "deleted and then recreated"),
        ("ResourceVersion", options.version, meta["resourceVersion"], "modified"),
    ):
        if wanted is not None and wanted != found:
            why = (
                f"the {word} in the precondition ({wanted}) does not match the {word} in record ({found}). "
                f"The object might have been {hint}"
            )
            raise conflict(resource.group, resource.kind, meta["name"], why)


def _marked(resource: Resource, body: Body, options: DeleteOptions) -> Body:
    """The object with its deletion written into it; the same object if that changes nothing."""
    meta = dict(body["metadata"])
    finalizers = [f for f in meta.get("finalizers") or () if f not in (FOREGROUND, ORPHAN)]
    if options.propagation is None:
        finalizers = list(meta.get("finalizers") or ())  # which may say how to go about dependents
    elif policy := _POLICY_FINALIZERS.get(options.propagation):
        finalizers.append(policy)
    meta["finalizers"] = finalizers
    _mark_time(resource, body, meta, options)
    metadata.tidy(meta)
    marked = {**body, "metadata": meta}
    if resource.collection == NAMESPACES:
        marked["status"] = {**(body.get("status") or {}), "phase": "Terminating"}
    if resource.collection == crds.CRDS:
        if "deletionTimestamp" not in body["metadata"]:
            meta["finalizers"] = [*meta.get("finalizers", ()), crds.CLEANUP_FINALIZER]
        marked["status"] = {**body["status"], "conditions": list(body["status"]["conditions"])}
        crds.terminating(marked, meta["deletionTimestamp"])
    return marked


def _mark_time(resource: Resource, body: Body, meta: dict[str, Any], options: DeleteOptions) -> None:
    if resource.collection == NAMESPACES:
        meta.setdefault("deletionTimestamp", metadata.timestamp())
        return
    grace = _grace(resource, body, options)
    if "deletionTimestamp" in meta:
        # A grace period only ever gets shorter.
        meta["deletionGracePeriodSeconds"] = min(grace, meta.get("deletionGracePeriodSeconds", 0))
        return
    meta["deletionTimestamp"] = metadata.timestamp(grace)
    meta["deletionGracePeriodSeconds"] = grace
    if resource.counts_generation:
        meta["generation"] = meta.get("generation", 0) + 1


def _grace(resource: Resource, body: Body, options: DeleteOptions) -> int:
    """Seconds that a pod gets: none if it has ended or never got to a node."""
    if resource.collection != PODS:
        return 0
    spec, status = body.get("spec") or {}, body.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    if options.grace is not None:
        return options.grace
    return int(spec.get("terminationGracePeriodSeconds", _GRACE))


def _gone(resource: Resource, meta: dict[str, Any]) -> Body:
    details = {"name": meta["name"], "group": resource.group, "kind": resource.plural, "uid": meta["uid"]}
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {key: value for key, value in details.items() if value},
    }
