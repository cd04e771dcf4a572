"""What a client says about a deletion: what becomes of dependents, how long, under which conditions. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, cast

from mlplane.local.apiserver.queries import Query, number, optional_flag
from mlplane.local.apiserver.statuses import Body, Cause, bad_request, invalid_options
from mlplane.structural import causes

Propagation = Literal["Background", "Foreground", "Orphan"]

_PROPAGATIONS = ("Foreground", "Background", "Orphan")
_LEGACY: dict[bool, Propagation] = {True: "Orphan", False: "Background"}
"""What orphanDependents says."""
_KINDS = ("", "DeleteOptions")


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Options of delete and deletecollection."""

    propagation: Propagation | None = None
    """What becomes of dependents; None for what finalizers of the object say, or else Background."""
    grace: int | None = None
    """Seconds; None for what the object says."""
    uid: str | None = None
    """Only an object with this uid is meant."""
    version: str | None = None
    """Only an object with this resourceVersion is meant."""
    dry_run: bool = False


def delete_options(query: Query, body: Body | None) -> DeleteOptions:
    """Read the options of a request.

    Args:
        query: The query parameters; they count only if there is no body.
        body: The body, if there is one.

    Raises:
        ApiError: 400 for what cannot be read; 422 for values that are not allowed.
    """
    said = _from_query(query) if body is None else body
    if said.get("kind", "") not in _KINDS:
        version = said.get("apiVersion", "")
        raise bad_request(f'no kind "{said["kind"]}" is registered for version "{version}"')
    policy, orphan = said.get("propagationPolicy"), said.get("orphanDependents")
    if problems := list(_problems(said)):
        raise invalid_options("DeleteOptions", problems)
    preconditions = said.get("preconditions") or {}
    return DeleteOptions(
        propagation=cast("Propagation | None", policy) if orphan is None else _LEGACY[orphan],
        grace=_seconds(said.get("gracePeriodSeconds")),
        uid=preconditions.get("uid"),
        version=preconditions.get("resourceVersion"),
        dry_run=bool(said.get("dryRun")),
    )


def _from_query(query: Query) -> Body:
    found = {
        "propagationPolicy": query.get("propagationPolicy"),
        "orphanDependents": optional_flag(query, "orphanDependents"),
        "gracePeriodSeconds": number(query, "gracePeriodSeconds"),
        "dryRun": [query["dryRun"]] if query.get("dryRun") else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _problems(said: Body) -> Iterator[Cause]:
    policy, dry_run = said.get("propagationPolicy"), said.get("dryRun") or []
    if policy is not None and said.get("orphanDependents") is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        yield causes.invalid("propagationPolicy", policy, detail)
    if policy is not None and policy not in _PROPAGATIONS:
        yield causes.not_supported("propagationPolicy", policy, (*_PROPAGATIONS, "nil"))
    if any(value != "All" for value in dry_run):
        yield causes.not_supported("dryRun", dry_run, ("All",))


def _seconds(grace: Any) -> int | None:
    if grace is None:
        return None
    if isinstance(grace, bool) or not isinstance(grace, int):
        found = {str: "string", bool: "bool"}.get(type(grace), "value")
        target = "Go struct field DeleteOptions.gracePeriodSeconds of type int64"
        raise bad_request(f"json: cannot unmarshal {found} into {target}")
    return max(0, grace)
