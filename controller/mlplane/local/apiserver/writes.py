"""What clients may say about a write beside the object: options of create, update, patch and delete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast

from mlplane.local.apiserver.conformity import FieldValidation
from mlplane.local.apiserver.statuses import ApiError, Body, Cause, bad_request

PatchType = Literal["json", "merge", "strategic", "apply"]
Propagation = Literal["Background", "Foreground", "Orphan"]

_VALIDATIONS = ("Strict", "Warn", "Ignore")
_PROPAGATIONS = ("Background", "Foreground", "Orphan")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of create, update and patch."""

    manager: str = "unknown"
    """Field manager."""
    validation: FieldValidation = "Warn"
    dry_run: bool = False
    force: bool = False
    """Server-side apply takes over fields of other managers."""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Options of delete."""

    propagation: Propagation = "Background"
    grace: int | None = None
    """Seconds; None for what the object says."""
    uid: str | None = None
    version: str | None = None
    dry_run: bool = False


def flag(query: Mapping[str, str], name: str) -> bool:
    """A query parameter that is true or not, in any of the forms that Go accepts."""
    return query.get(name) in ("1", "t", "T", "true", "True", "TRUE")


def write_options(query: Mapping[str, str], agent: str, subresource: str) -> WriteOptions:
    """Read the options of a request.

    Args:
        query: The query parameters.
        agent: The User-Agent header: its first word is the field manager if none is named.
        subresource: What the path ends with.

    Raises:
        ApiError: 422 for a value that is not allowed.
    """
    validation = query.get("fieldValidation") or "Warn"
    if validation not in _VALIDATIONS:
        raise _not_supported("fieldValidation", validation, _VALIDATIONS)
    return WriteOptions(
        manager=query.get("fieldManager") or agent.split("/", 1)[0] or "unknown",
        validation=cast("FieldValidation", validation),
        dry_run=_dry_run(query.get("dryRun", "")),
        force=flag(query, "force"),
        subresource=subresource,
    )


def delete_options(query: Mapping[str, str], body: Body) -> DeleteOptions:
    """Read the options of a delete from its query and its body; the body wins, as with the real server.

    Raises:
        ApiError: 400 or 422 for a value that is not allowed.
    """
    options = DeleteOptions(dry_run=_dry_run(query.get("dryRun", "")))
    options = _with_propagation(options, body.get("propagationPolicy") or query.get("propagationPolicy"))
    grace = body.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    if grace is not None:
        options = replace(options, grace=_seconds(grace))
    for value in body.get("dryRun") or ():
        options = replace(options, dry_run=_dry_run(value))
    preconditions = body.get("preconditions") or {}
    return replace(options, uid=preconditions.get("uid"), version=preconditions.get("resourceVersion"))


def _with_propagation(options: DeleteOptions, policy: str | None) -> DeleteOptions:
    if not policy:
        return options
    if policy not in _PROPAGATIONS:
        raise _not_supported("propagationPolicy", policy, _PROPAGATIONS)
    return replace(options, propagation=cast("Propagation", policy))


def _seconds(value: object) -> int:
    try:
        return max(0, int(str(value)))
    except ValueError:
        raise bad_request(f"gracePeriodSeconds: {value!r} is not a number of seconds") from None


def _dry_run(value: str) -> bool:
    if value not in ("", "All"):
        raise _not_supported("dryRun", value, ("All",))
    return value == "All"


def _not_supported(field: str, found: str, allowed: tuple[str, ...]) -> ApiError:
    listed = ", ".join(f'"{each}"' for each in sorted(allowed))
    message = f'Unsupported value: "{found}": supported values: {listed}'
    cause = Cause("FieldValueNotSupported", field, message)
    return ApiError(422, "Invalid", f"{field}: {message}", causes=[cause])
