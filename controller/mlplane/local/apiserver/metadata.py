"""The part of an object that belongs to the server: identity, generation, deletion, preconditions. Pure."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import ApiError, Body, Cause, bad_request, conflict, invalid
from mlplane.structural import causes

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # as apimachinery: no vowels, no words
_GENERATED_LIMIT = 63
_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_DROPPED_WHEN_EMPTY = (
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "managedFields",
    "namespace",
    "generateName",
)


def timestamp(offset: float = 0.0) -> str:
    """Now, or so many seconds from now, as objects carry it."""
    return (datetime.now(UTC) + timedelta(seconds=offset)).strftime("%Y-%m-%dT%H:%M:%SZ")


def meta_of(body: Body) -> dict[str, Any]:
    """The metadata of what a client sent; it is created if it is missing.

    Raises:
        ApiError: 400 if it is no object.
    """
    meta = body.setdefault("metadata", {})
    if not isinstance(meta, dict):
        raise bad_request("metadata: must be an object")
    return meta


def generate_name(meta: dict[str, Any]) -> None:
    """Turn ``generateName`` into a name that nobody has by chance."""
    base = meta.get("generateName")
    if base and not meta.get("name"):
        suffix = "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))
        meta["name"] = str(base)[: _GENERATED_LIMIT - 5] + suffix


def begin(resource: Resource, meta: dict[str, Any], now: str) -> None:
    """Give a new object its identity; whatever the client said of it is replaced."""
    for name in (*_OWN, "selfLink"):
        meta.pop(name, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = now
    if resource.counts_generation:
        meta["generation"] = 1


def carry_over(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Keep what a client cannot change: identity, generation, deletion."""
    for name in _OWN:
        if name in old:
            new[name] = old[name]
        else:
            new.pop(name, None)
    new["resourceVersion"] = old["resourceVersion"]
    new.pop("selfLink", None)


def tidy(meta: dict[str, Any]) -> None:
    """Drop keys that say nothing, as Go's omitempty does."""
    for name in _DROPPED_WHEN_EMPTY:
        if name in meta and not meta[name]:
            del meta[name]


def check_precondition(resource: Resource, old: dict[str, Any], sent: dict[str, Any], *, sure: bool) -> None:
    """Check uid and resourceVersion that a client sent along.

    Args:
        resource: The kind.
        old: Metadata of the live object.
        sent: Metadata that the client sent.
        sure: Whether a resourceVersion must be there.

    Raises:
        ApiError: 409 if they are not the live object's; 422 if a version is missing; 500 if it is no number.
    """
    name = old["name"]
    if (uid := sent.get("uid")) and uid != old["uid"]:
        place = "/".join(
            part for part in (resource.group, resource.plural, old.get("namespace"), name) if part
        )
        why = (
            f"StorageError: invalid object, Code: 4, Key: /{place}, ResourceVersion: 0, AdditionalErrorMsg: "
            f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}"
        )
        raise conflict(resource.group, resource.plural, name, why)
    check_version(resource, old, sent, sure=sure)


def check_version(resource: Resource, old: dict[str, Any], sent: dict[str, Any], *, sure: bool) -> None:
    """Check the resourceVersion alone; as ``check_precondition``.

    Raises:
        ApiError: 409, 422 or 500.
    """
    version = str(sent.get("resourceVersion") or "0")
    if not version.isdigit():
        raise ApiError(500, "", f'strconv.ParseUint: parsing "{version}": invalid syntax')
    if int(version) == 0:
        if sure:
            found = causes.invalid("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(resource.group, resource.plural, old["name"], [found])
    elif version != old["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise conflict(resource.group, resource.plural, old["name"], why)


def check_applied(resource: Resource, old: dict[str, Any], sent: dict[str, Any]) -> None:
    """Check uid and resourceVersion of a configuration that is applied.

    Raises:
        ApiError: 409 or 500 as ``check_version``; 422 for another uid.
    """
    check_version(resource, old, sent, sure=False)
    if sent.get("uid") and sent["uid"] != old["uid"]:
        found = [_fixed("uid", sent)] * (2 if resource.custom else 1)  # the real server looks twice
        raise invalid(resource.group, resource.kind, old["name"], found)


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Cause]:
    """What an update may not do to metadata: change an identity, add finalizers to what is being deleted."""
    found: list[Cause] = []
    if "deletionTimestamp" in old:
        added = sorted(set(new.get("finalizers") or ()) - set(old.get("finalizers") or ()))
        if added:
            listed = ", ".join(f'"{name}"' for name in added)
            detail = (
                "no new finalizers can be added if the object is being deleted, "
                f"found new finalizers []string{{{listed}}}"
            )
            found.append(causes.forbidden("metadata.finalizers", detail))
    elif new.get("deletionTimestamp"):
        found.append(_fixed("deletionTimestamp", new))
    if new.get("uid") and new["uid"] != old["uid"]:
        found.append(_fixed("uid", new))
    grace = new.get("deletionGracePeriodSeconds")
    if grace is not None and grace != old.get("deletionGracePeriodSeconds"):
        found.append(_fixed("deletionGracePeriodSeconds", new))
    return found


def _fixed(name: str, meta: dict[str, Any]) -> Cause:
    return causes.invalid(f"metadata.{name}", meta[name], "field is immutable")


def dedupe_owners(meta: dict[str, Any], warnings: list[str]) -> None:
    """Keep one of several equal owners, in place, and warn of the others."""
    owners = meta.get("ownerReferences") or []
    if len(owners) < 2:
        return
    kept: list[Any] = []
    again: list[str] = []
    for owner in owners:
        if owner in kept:
            again.append(owner.get("uid", ""))
        else:
            kept.append(owner)
    if again:
        meta["ownerReferences"] = kept
        warnings.append(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
            "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
            f"UID(s) observed: {', '.join(dict.fromkeys(again))}"
        )


def unchangeable(resource: Resource, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Name and namespace are for ever.

    Raises:
        ApiError: 400 if a write would change them.
    """
    check_name(new, old["name"])
    sent = new.get("namespace")
    if resource.namespaced and sent and sent != old.get("namespace"):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    for field in ("name", "namespace"):
        if field in old:
            new[field] = old[field]
        else:
            new.pop(field, None)


def check_name(meta: dict[str, Any], name: str) -> None:
    """An object has the name of its path.

    Raises:
        ApiError: 400 if it has another one, or none.
    """
    sent = meta.get("name")
    if not sent:
        raise bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if sent != name:
        raise bad_request(f"the name of the object ({sent}) does not match the name on the URL ({name})")
