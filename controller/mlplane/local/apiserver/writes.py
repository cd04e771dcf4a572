"""What clients may say about a write beside the object: options of create, update and patch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

from mlplane.local.apiserver.queries import flag
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Body, invalid
from mlplane.structural import causes, metarules
from mlplane.structural.metarules import MANAGER_LIMIT

FieldValidation = Literal["Strict", "Warn", "Ignore"]
PatchType = Literal["json", "merge", "strategic", "apply"]
OptionsKind = Literal["CreateOptions", "UpdateOptions", "PatchOptions"]

_VALIDATIONS = ("Strict", "Warn", "Ignore")


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
    warnings: list[str] = field(default_factory=list)
    """What the client is told beside the answer; grows as the request is handled."""
    may: Callable[[Resource, Body, Body | None], None] = lambda *_: None
    """Raises ApiError if whoever writes may not turn the second object (if there is one) into the first."""


def write_options(
    query: Mapping[str, str],
    agent: str,
    subresource: str,
    kind: OptionsKind = "PatchOptions",
    *,
    apply: bool = False,
) -> WriteOptions:
    """Read the options of a request.

    Args:
        query: The query parameters.
        agent: The User-Agent header: its first word is the field manager if none is named.
        subresource: What the path ends with.
        kind: What the real server calls these options.
        apply: Whether they are those of an apply patch.

    Raises:
        ApiError: 422 for a value that is not allowed.
    """
    validation = query.get("fieldValidation") or "Warn"
    manager = query.get("fieldManager", "")
    found = list(metarules.manager(manager, "fieldManager"))
    if kind == "PatchOptions" and not apply and "force" in query:
        found.insert(0, causes.forbidden("force", "may not be specified for non-apply patch"))
    if apply and not manager:
        found.append(causes.required("fieldManager", "is required for apply patch"))
    if (dry := query.get("dryRun", "")) not in ("", "All"):
        found.append(causes.not_supported("dryRun", [dry], ("All",)))
    if validation not in _VALIDATIONS:
        found.append(causes.not_supported("fieldValidation", validation, ("", *sorted(_VALIDATIONS))))
    if found:
        raise invalid("meta.k8s.io", kind, "", found)
    return WriteOptions(
        manager=manager or agent.split("/", 1)[0][:MANAGER_LIMIT] or "unknown",
        validation=cast("FieldValidation", validation),
        dry_run=bool(dry),
        force=flag(query, "force"),
        subresource=subresource,
    )
