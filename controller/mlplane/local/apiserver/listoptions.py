"""What a client says about a list or a watch: where it begins, how much it wants. Pure.

Rules and words are those of apimachinery's validation of ListOptions.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlplane.local.apiserver.queries import Query, flag, number, optional_flag
from mlplane.local.apiserver.statuses import ApiError, Cause, bad_request, invalid_options, too_large
from mlplane.structural import causes

EXACT, NOT_OLDER = "Exact", "NotOlderThan"
_MATCH = "resourceVersionMatch"
_VERSION = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of a list, a watch or the deletion of a collection."""

    version: str = ""
    """resourceVersion; empty for the newest state, ``0`` for any."""
    match: str = ""
    limit: int = 0
    proceed: str = ""
    """Continue token."""
    watch: bool = False
    initial: bool | None = None
    """Whether a watch begins with the objects that exist, as ADDED; None if the client leaves it open."""
    bookmarks: bool = False
    timeout: int | None = None
    """Seconds; None if there is no limit."""
    revision: int = 0
    """resourceVersion as a number; 0 for none."""


def list_options(query: Query) -> ListOptions:
    """Read and check the options of a request.

    Raises:
        ApiError: 400 (or, in a watch, 500) for what cannot be read; 422 for what does not go together.
    """
    options = ListOptions(
        version=query.get("resourceVersion", ""),
        match=query.get(_MATCH, ""),
        limit=max(0, number(query, "limit") or 0),
        proceed=query.get("continue", ""),
        watch=flag(query, "watch"),
        initial=optional_flag(query, "sendInitialEvents"),
        bookmarks=flag(query, "allowWatchBookmarks"),
        timeout=number(query, "timeoutSeconds") or None,
    )
    if options.watch and options.initial is None and not options.match and options.version in ("", "0"):
        options = replace(options, initial=True, match=NOT_OLDER)
    problems = list(_watch_problems(options) if options.watch else _list_problems(options))
    if problems:
        raise invalid_options("ListOptions", problems)
    return replace(options, revision=_revision(options))


def _revision(options: ListOptions) -> int:
    if not options.version or _VERSION.fullmatch(options.version):
        return int(options.version or "0")
    shown = f'Invalid value: "{options.version}"'
    why = f'resourceVersion: {shown}: strconv.ParseUint: parsing "{options.version}": invalid syntax'
    if options.watch:
        raise ApiError(500, "", why)  # as the real server has it
    raise bad_request(f"invalid resource version: {why}")


def check_fresh(query: Query, revision: int) -> None:
    """Check the resourceVersion that a GET must not be older than.

    Raises:
        ApiError: 500 (as the real server has it) if it is no number; 504 if it is not there yet.
    """
    wanted = _revision(ListOptions(version=query.get("resourceVersion", ""), watch=True))
    if wanted > revision:
        raise too_large(wanted, revision)


def _list_problems(options: ListOptions) -> Iterator[Cause]:
    if options.match:
        if not options.version:
            yield causes.forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided")
        if options.proceed:
            yield causes.forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
        if options.match not in (EXACT, NOT_OLDER):
            yield causes.not_supported(_MATCH, options.match, (EXACT, NOT_OLDER, ""))
        if options.match == EXACT and options.version == "0":
            yield causes.forbidden(_MATCH, f'{_MATCH} "exact" is forbidden for resourceVersion "0"')
    if options.initial is not None:
        yield causes.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_problems(options: ListOptions) -> Iterator[Cause]:
    if options.initial is not None and options.match != NOT_OLDER:
        yield causes.forbidden(_MATCH, f"sendInitialEvents requires setting {_MATCH} to {NOT_OLDER}")
    if not options.match:
        return
    if options.initial is None:
        detail = f"{_MATCH} is forbidden for watch unless sendInitialEvents is provided"
        yield causes.forbidden(_MATCH, detail)
    if options.match != NOT_OLDER:
        yield causes.not_supported(_MATCH, options.match, (NOT_OLDER,))
    if options.proceed:
        yield causes.forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided")
