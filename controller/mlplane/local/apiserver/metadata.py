"""The part of an object that belongs to the server: identity, generation, deletion, preconditions. Pure."""

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, Cause, bad_request, conflict, invalid

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
    if "finalizers" in meta:
        meta["finalizers"] = list(dict.fromkeys(meta["finalizers"]))


def check_precondition(resource: Resource, old: dict[str, Any], sent: dict[str, Any], *, sure: bool) -> None:
    """Check uid and resourceVersion that a client sent along.

    Args:
        resource: The kind.
        old: Metadata of the live object.
        sent: Metadata that the client sent.
        sure: Whether a resourceVersion must be there.

    Raises:
        ApiError: 409 if they are not the live object's; 422 if a version is missing.
    """
    name = old["name"]
    if (uid := sent.get("uid")) and uid != old["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}"
        raise conflict(resource.group, resource.plural, name, why)
    version = sent.get("resourceVersion")
    if version and str(version) != old["resourceVersion"]:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        raise conflict(resource.group, resource.plural, name, why)
    if not version and sure:
        cause = Cause(
            "FieldValueInvalid",
            "metadata.resourceVersion",
            "Invalid value: 0: must be specified for an update",
        )
        raise invalid(resource.group, resource.kind, name, [cause])


def check_finalizers(resource: Resource, old: dict[str, Any], new: dict[str, Any]) -> None:
    """An object that is being deleted gets no new finalizers.

    Raises:
        ApiError: 422.
    """
    if "deletionTimestamp" not in old:
        return
    added = [name for name in new.get("finalizers") or () if name not in (old.get("finalizers") or ())]
    if added:
        listed = ", ".join(f'"{name}"' for name in added)
        message = (
            "Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}"
        )
        cause = Cause("FieldValueForbidden", "metadata.finalizers", message)
        raise invalid(resource.group, resource.kind, old["name"], [cause])


def unchangeable(resource: Resource, old: dict[str, Any], new: dict[str, Any]) -> None:
    """Name and namespace are for ever.

    Raises:
        ApiError: 400 if a write would change them.
    """
    for field in ("name", "namespace"):
        sent = new.get(field)
        if sent and sent != old.get(field) and (field == "name" or resource.namespaced):
            there = old.get(field, "")
            raise bad_request(
                f"the {field} of the object ({sent}) does not match the {field} on the URL ({there})"
            )
        if field in old:
            new[field] = old[field]
        else:
            new.pop(field, None)
