"""Who owns which field: server-side apply, and the bookkeeping of all other writes.

The object layer calls ``apply`` for apply patches and ``track_update`` for every other write, after
defaulting for the latter. Both return a new object with ``metadata.managedFields``. The rules are those of
structured-merge-diff: https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

import json

from mlplane.local.apiserver import fieldsets, ownership, typedvalues
from mlplane.local.apiserver.fieldsets import MEMBER, FieldSet
from mlplane.local.apiserver.ownership import Entry, ManagerId, Managers, bare
from mlplane.local.apiserver.relations import Shape
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request
from mlplane.structural.schemas import Schema

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"
_BEFORE = "before-first-apply"
_SERVER_META = frozenset(
    (
        "creationTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    )
)
_UNOWNED: FieldSet = {
    "f:apiVersion": {MEMBER: {}},
    "f:kind": {MEMBER: {}},
    "f:metadata": {MEMBER: {}, "f:name": {MEMBER: {}}, "f:namespace": {MEMBER: {}}}
    | {f"f:{name}": {MEMBER: {}} for name in _SERVER_META},
}
"""What the server or the URL decides; nobody owns it."""
_ALWAYS: dict[str, Body] = {
    "ClusterRoleBinding": {"roleRef": {}},
    "CustomResourceDefinition": {"spec": {"names": {}}},
    "Lease": {"spec": {}},
    "Namespace": {"spec": {}, "status": {}},
    "RoleBinding": {"roleRef": {}},
}
"""Fields that an object of a built-in kind has even if nobody sets them; nobody owns them either."""


def apply(
    live: Body | None,
    applied: Body,
    *,
    manager: str,
    force: bool,
    schema: Schema | None,
    subresource: str,
    now: str,
) -> Body:
    """Server-side apply: the object after a manager has declared what it wants.

    Args:
        live: The object as it is; None when it does not exist.
        applied: The configuration, without what the endpoint ignores (``status`` on the main resource).
        manager: Name of the field manager.
        force: Take fields from other managers instead of failing.
        schema: Schema of the custom resource; None for built-in kinds.
        subresource: ``status`` or another; empty for the object itself.
        now: Present time, RFC 3339.

    Returns:
        The new object; equal to ``live`` when nothing changes.

    Raises:
        ApiError: 400 when the configuration holds managedFields; 409 when other managers own fields with
            other values; 500, as from the real server, for fields that the schema does not have and for
            list items without keys or with the same ones.
    """
    if (applied.get("metadata") or {}).get("managedFields") is not None:
        raise bad_request("metadata.managedFields must be nil")
    shape = Shape.of(schema.node if schema is not None else None, applied.get("kind", ""))
    config = _configuration(applied)
    _refuse_misfit(config, shape)
    base = bare(live) if live is not None else _empty(applied)
    me = ManagerId(manager, "Apply", "", subresource)
    managers = _with_first(ownership.read(live), base, shape)
    new, after = _applied(base, config, managers, me, shape, force=force)
    if manager == _KUBECTL and not subresource:
        new = _with_last_applied(new, config)
    if me in after and new != base:
        after[me].time = now
    return ownership.written(new, after)


def track_update(
    old: Body | None, new: Body, *, manager: str, subresource: str, schema: Schema | None, now: str
) -> Body:
    """The bookkeeping of a create, an update or a patch that is no apply.

    Args:
        old: The object before; None at a create.
        new: The object as it shall be stored. Its managedFields count if it has any (clients may rewrite
            them; an empty list resets them), otherwise those of ``old``.
        manager: Name of the field manager.
        subresource: ``status`` or another; empty for the object itself.
        schema: Schema of the custom resource; None for built-in kinds.
        now: Present time, RFC 3339.

    Returns:
        ``new`` with the managedFields that follow.
    """
    shape = Shape.of(schema.node if schema is not None else None, new.get("kind", ""))
    managers = ownership.requested(old, new, subresource)
    if old is not None and not managers:
        return ownership.written(new, {})  # not tracked since its creation: only an apply begins to
    base = bare(old) if old is not None else _empty(new) | _ALWAYS.get(shape.kind, {})
    target = bare(new)
    found = typedvalues.compare(base, target, shape)
    taken = fieldsets.difference(found.changed, _UNOWNED)
    managers = ownership.without(managers, fieldsets.union(found.changed, found.removed))
    if taken:
        me = ManagerId(manager, "Update", new.get("apiVersion", ""), subresource)
        before = managers[me].fields if me in managers else {}
        managers[me] = Entry(fieldsets.union(before, taken), me.api_version, now)
        managers = ownership.capped(managers)
    return ownership.written(target, managers)


def _applied(
    base: Body, config: Body, managers: Managers, me: ManagerId, shape: Shape, *, force: bool
) -> tuple[Body, Managers]:
    """Merge, remove what this manager no longer wants, and settle who owns what."""
    wanted = typedvalues.fields_of(config, shape)
    last = managers[me].fields if me in managers else {}
    others = {name: entry for name, entry in managers.items() if name != me}
    merged = typedvalues.merge(base, config, shape)
    if last:
        owned = wanted
        for entry in others.values():
            owned = fieldsets.union(owned, entry.fields)
        gone = fieldsets.difference(
            typedvalues.with_parents(last, shape), typedvalues.with_parents(owned, shape)
        )
        merged = typedvalues.remove(merged, gone, shape)
    found = typedvalues.compare(base, merged, shape)
    _refuse_conflicts(base, others, found.changed, me, shape, force=force)
    after = ownership.without(others, fieldsets.union(found.changed, found.removed))
    if mine := fieldsets.difference(wanted, _UNOWNED):
        time = managers[me].time if me in managers else None
        after[me] = Entry(mine, config.get("apiVersion", ""), time)
    return merged, after


def _refuse_conflicts(
    base: Body, others: Managers, changed: FieldSet, me: ManagerId, shape: Shape, *, force: bool
) -> None:
    conflicts = {
        name: common
        for name, entry in others.items()
        if (common := fieldsets.intersection(entry.fields, changed))
    }
    if force or not conflicts:
        return
    if me.manager == _KUBECTL and (own := _last_applied_fields(base, shape)):
        conflicts = {
            name: rest for name, common in conflicts.items() if (rest := fieldsets.difference(common, own))
        }
    if conflicts:
        raise ownership.conflict(conflicts)


def _last_applied_fields(live: Body, shape: Shape) -> FieldSet:
    """Fields that client-side apply set and that still have its values: kubectl may take these."""
    text = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    try:
        config = json.loads(text) if text else None
        if not isinstance(config, dict) or config.get("apiVersion") != live.get("apiVersion"):
            return {}
        found = typedvalues.compare(config, live, shape)
        owned = typedvalues.fields_of(config, shape)
    except ValueError:
        return {}
    return fieldsets.difference(owned, fieldsets.union(found.changed, found.removed))


def _with_last_applied(new: Body, config: Body) -> Body:
    """Keep kubectl's annotation up to date, where there is one, for those who still use client-side apply."""
    metadata = new.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if not annotations.get(LAST_APPLIED):
        return new
    own = (config.get("metadata") or {}).get("annotations") or {}
    kept = {key: value for key, value in own.items() if key != LAST_APPLIED}
    meta = {key: value for key, value in (config.get("metadata") or {}).items() if key != "annotations"}
    text = json.dumps(
        config | {"metadata": meta | ({"annotations": kept} if kept else {})},
        separators=(",", ":"),
        sort_keys=True,
    )
    return new | {"metadata": metadata | {"annotations": annotations | {LAST_APPLIED: text + "\n"}}}


def _configuration(applied: Body) -> Body:
    """What is applied, without what the server decides."""
    metadata = {
        key: value for key, value in (applied.get("metadata") or {}).items() if key not in _SERVER_META
    }
    return applied | {"metadata": metadata}


def _empty(body: Body) -> Body:
    return {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": {}}


def _with_first(managers: Managers, live: Body, shape: Shape) -> Managers:
    """Owners of an object that was never tracked: everything belongs to one that stands for the past."""
    if managers:
        return managers
    fields = fieldsets.difference(typedvalues.compare(_empty(live), live, shape).changed, _UNOWNED)
    if not fields:
        return {}
    version = live.get("apiVersion", "")
    return {ManagerId(_BEFORE, "Update", version, ""): Entry(fields, version, None)}


def _refuse_misfit(config: Body, shape: Shape) -> None:
    if found := list(typedvalues.problems(config, shape)):
        raise not_typed(config, found)


def not_typed(config: Body, found: list[str]) -> ApiError:
    """What is answered to a configuration that does not fit its schema: 500, as from the real server."""
    meta = config.get("metadata") or {}
    name = f"{meta.get('namespace', '')}/{meta.get('name', '')}"
    title = f"{name}; {config.get('apiVersion')}, Kind={config.get('kind')}"
    listed = found[0] if len(found) == 1 else "\n  ".join(("errors:", *found))
    return ApiError(500, "", f"failed to create typed patch object ({title}): {listed}")
