"""The life of an object: create, update, patch, with the rules that clients rely on.

Each write is computed from the newest state without a pause, so that writes to one object are never mixed,
and is acknowledged when it is on disk. Deletion is in ``deletion``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from mlplane.local.apiserver import (
    acceptednames,
    admission,
    crds,
    decoding,
    managedfields,
    metadata,
    namespaces,
    naming,
    shaping,
)
from mlplane.local.apiserver.bodies import Document
from mlplane.local.apiserver.conformity import conform
from mlplane.local.apiserver.conversion import from_stored, to_stored
from mlplane.local.apiserver.kinds import EVENTS, NAMESPACES
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Key, Row
from mlplane.local.apiserver.statuses import (
    ApiError,
    Body,
    Cause,
    already_exists,
    conflict,
    forbidden,
    invalid,
    not_found,
)
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.writes import PatchType, WriteOptions
from mlplane.structural import metarules

_NAME_TRIES = 7
"""How often another name is made up when one is taken."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a write has come to."""

    body: Body
    """The object as it is now, in the version that was asked for."""
    created: bool = False


class Objects:
    """Writes to the store, each durable before it returns."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def create(self, resource: Resource, namespace: str, body: Body, options: WriteOptions) -> Written:
        """Create an object.

        Raises:
            ApiError: 400, 403, 404, 405, 409 or 422, worded as the real server does.
        """
        written = self._create(resource, namespace, body, options, managers=None)
        await self.settle()
        return written

    async def update(
        self, resource: Resource, key: Key, change: Callable[[Body], Body], options: WriteOptions
    ) -> Written:
        """Replace an object, or its subresource, by what ``change`` makes of it.

        Args:
            resource: The kind.
            key: The object.
            change: Gets the live object, which it may not change, and returns the wanted one.
            options: The options of the request.

        Raises:
            ApiError: 404 if there is none; 409 for a stale version; and as for ``create``.
        """
        old = self._live(resource, key)
        written = self._replace(resource, old, change(old), options, track=True)
        await self.settle()
        return written

    async def patch(
        self, resource: Resource, key: Key, kind: PatchType, patch: Document, options: WriteOptions
    ) -> Written:
        """Patch an object or its subresource; an apply patch creates what does not exist.

        Raises:
            ApiError: As for ``update``; 415 for a strategic merge patch of a custom resource.
        """
        if kind == "apply":
            written = self._apply(resource, key, patch, options)
            await self.settle()
            return written
        return await self.update(resource, key, shaping.patcher(resource, kind, patch, options), options)

    async def settle(self) -> None:
        """Wait until everything written so far is on disk."""
        # Shielded: many requests wait for the same commit, and one may be cancelled.
        await asyncio.shield(self.store.durable())

    def _live(self, resource: Resource, key: Key) -> Body:
        row = self.store.head(key)
        if row is None:
            raise not_found(resource.group, resource.plural, key.name)
        return from_stored(resource, row)

    def _apply(self, resource: Resource, key: Key, patch: Document, options: WriteOptions) -> Written:
        applied = shaping.configuration(resource, key, patch, options)
        row = self.store.head(key)
        if row is None and options.subresource:
            raise not_found(resource.group, resource.plural, key.name)
        live = from_stored(resource, row) if row else None
        if live:
            metadata.check_applied(resource, live["metadata"], applied["metadata"])
        elif uid := applied["metadata"].get("uid"):
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(resource.group, resource.plural, key.name, why)
        merged = managedfields.apply(
            live,
            applied,
            manager=options.manager,
            force=options.force,
            schema=resource.schema if resource.custom else None,
            subresource=options.subresource,
            now=metadata.timestamp(),
        )
        if live is None:
            managers = merged["metadata"].get("managedFields")
            return self._create(resource, key.namespace, merged, options, managers=managers)
        return self._replace(resource, live, merged, options, track=False)

    def _create(
        self,
        resource: Resource,
        namespace: str,
        body: Body,
        options: WriteOptions,
        managers: list[Body] | None,
    ) -> Written:
        now = metadata.timestamp()
        body = shaping.identified(resource, body)
        meta = body["metadata"] = dict(body["metadata"])
        shaping.place(resource, meta, namespace)
        version = meta.pop("resourceVersion", None)
        self._check_home(resource, resource.key(namespace, meta.get("name") or meta.get("generateName", "")))
        self._name(resource, namespace, meta)
        metadata.begin(resource, meta, now)
        metadata.tidy(meta)
        key = resource.key(namespace, meta.get("name", ""))
        decoding.refuse_other_kind(resource, body)
        if resource.has_status:
            body.pop("status", None)
        found = naming.problems(resource, meta)
        body, causes = conform(resource, body, None, options, found)
        body = _admitted(resource, body, None, now, causes, safe=len(causes) == len(found))
        if there := self.store.head(key):
            raise already_exists(resource.group, resource.plural, key.name, deleting=there.deleting)
        if version not in (None, "0") and not options.dry_run:
            raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
        options.warnings.extend(metarules.warnings(meta, {}))
        options.may(resource, body, None)
        if managers is not None:
            body["metadata"]["managedFields"] = managers
        else:
            body = _tracked(resource, None, body, options, now)
        body = self._named(resource, body, now)
        if not options.dry_run:
            self._put(resource, key, body)
        return Written(body, created=True)

    def _name(self, resource: Resource, namespace: str, meta: Body) -> None:
        """Make a name from ``generateName``, if there is none; another one if it is taken by chance."""
        if meta.get("name") or not meta.get("generateName"):
            return
        for _ in range(_NAME_TRIES):
            metadata.generate_name(meta)
            if self.store.head(resource.key(namespace, meta["name"])) is None:
                return
            del meta["name"]
        metadata.generate_name(meta)

    def _check_home(self, resource: Resource, key: Key) -> None:
        """A namespaced object needs a namespace that stays; a custom one a definition that stays."""
        if resource.custom and (crd := self.store.head(crds.definition_of(resource))) and crd.deleting:
            why = "create not allowed while custom resource definition is terminating"
            raise forbidden(resource.group, resource.plural, key.name, why)
        if not resource.namespaced:
            return
        home = self.store.head(Key(*NAMESPACES, "", key.namespace))
        if home is None:
            raise not_found("", "namespaces", key.namespace)
        if home.deleting:
            raise _terminating(resource, key)

    def _replace(
        self, resource: Resource, old: Body, new: Body, options: WriteOptions, *, track: bool
    ) -> Written:
        now = metadata.timestamp()
        before = old["metadata"]
        new = shaping.identified(resource, new)
        meta = new["metadata"] = dict(new["metadata"])
        metadata.unchangeable(resource, before, meta)
        metadata.check_version(resource, before, meta, sure=not resource.unconditional_update)
        decoding.refuse_other_kind(resource, new)
        new = shaping.scoped(resource, old, new, options.subresource)
        meta = new["metadata"]
        found = _meta_problems(resource, before, meta)
        if resource.collection == NAMESPACES:
            found = [*found, *namespaces.problems(new)]
        metadata.carry_over(before, meta)
        metadata.tidy(meta)
        new, causes = conform(resource, new, old, options, found)
        safe = not options.subresource and len(causes) == len(found)
        new = _admitted(resource, new, old, now, causes, safe=safe)
        if not options.subresource:
            options.warnings.extend(metarules.warnings(meta, before))
            options.may(resource, new, old)
        if resource.counts_generation and shaping.counted(new, resource) != shaping.counted(old, resource):
            new["metadata"]["generation"] = before.get("generation", 0) + 1
        if track:
            new = _tracked(resource, old, new, options, now)
        new = self._named(resource, new, now)
        if new != old and not options.dry_run:
            self.store_or_drop(resource, new)
        return Written(new)

    def _named(self, resource: Resource, body: Body, now: str) -> Body:
        """A definition with the names that others leave it."""
        if resource.collection != crds.CRDS:
            return body
        rows = (row for row in self.store.heads() if row.key.collection == crds.CRDS)
        others = [row.decode() for row in rows if row.key.name != body["metadata"]["name"]]
        return managedfields.track_update(
            body,
            acceptednames.settle(body, others, now),
            manager=acceptednames.MANAGER,
            subresource="status",
            schema=None,
            now=now,
        )

    def store_or_drop(self, resource: Resource, body: Body) -> None:
        """Write an object; or remove it, if it is being deleted and nothing holds it any more."""
        key = resource.key(body["metadata"].get("namespace", ""), body["metadata"]["name"])
        if is_held(body):
            self._put(resource, key, body)
        else:
            self.drop(resource, key, body)

    def drop(self, resource: Resource, key: Key, body: Body) -> Row:
        """Remove an object, and tell its new revision in ``body``; watchers see what was stored last."""
        head = self.store.head(key)
        last = head.decode() if head else to_stored(resource, body)
        row = self.store.remove(key, last)
        body["metadata"]["resourceVersion"] = last["metadata"]["resourceVersion"]
        return row

    def _put(self, resource: Resource, key: Key, body: Body) -> Row:
        stored = to_stored(resource, body)
        row = self.store.put(key, stored)
        body["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"]
        return row


def is_held(body: Body) -> bool:
    """Whether an object stays: it is not being deleted, or something must be done before."""
    meta = body["metadata"]
    if "deletionTimestamp" not in meta or meta.get("finalizers"):
        return True
    if body["apiVersion"] == "v1" and body["kind"] == "Namespace":
        return bool(body.get("spec", {}).get("finalizers"))
    return bool(meta.get("deletionGracePeriodSeconds"))


def _admitted(
    resource: Resource, body: Body, old: Body | None, now: str, causes: list[Cause], *, safe: bool
) -> Body:
    """What the rules of a built-in kind make of an object; refused if anything is wrong with it."""
    if safe and not resource.custom and resource.collection != EVENTS:
        # A deep copy: rules change the object, which may share parts with the live one.
        body = orjson.loads(orjson.dumps(body))
        causes += admission.admit(resource, body, old, now)
    if causes:
        raise invalid(resource.group, resource.kind, body["metadata"].get("name", ""), causes)
    return body


def _tracked(resource: Resource, old: Body | None, new: Body, options: WriteOptions, now: str) -> Body:
    if resource.collection == EVENTS:
        return new
    kept: Body = {}
    if resource.collection == crds.CRDS and not options.subresource:
        # Its status is the server's, which writes some of it at once.
        kept = {"status": new["status"]}
        old, new = old and _without(old, kept), _without(new, kept)
    tracked = managedfields.track_update(
        old,
        new,
        manager=options.manager,
        subresource=options.subresource,
        schema=resource.schema if resource.custom else None,
        now=now,
    )
    return tracked | kept


def _without(body: Body, fields: Body) -> Body:
    return {key: value for key, value in body.items() if key not in fields}


def _meta_problems(resource: Resource, old: Body, new: Body) -> list[Cause]:
    """What is wrong with metadata at an update; the real server looks twice at most of it."""
    again = [*metadata.changes(old, new), *metarules.problems({**new, "finalizers": []}, "metadata")]
    return [*naming.problems(resource, new), *again, *(again if resource.custom else ())]


def _terminating(resource: Resource, key: Key) -> ApiError:
    why = f"unable to create new content in namespace {key.namespace} because it is being terminated"
    error = ApiError(
        403,
        "Forbidden",
        f'{resource.plural}{"." if resource.group else ""}{resource.group} "{key.name}" is forbidden: {why}',
        {"name": key.name, "kind": resource.plural, **({"group": resource.group} if resource.group else {})},
    )
    why = f"namespace {key.namespace} is being terminated"
    error.causes = [Cause("NamespaceTerminating", "metadata.namespace", why)]
    return error
