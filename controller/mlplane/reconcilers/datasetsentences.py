"""What a Dataset says of its version and its checks, in sentences for people. Pure.

Counts and places, never values. Called by ``reconcilers.datasetstates``.
"""

from collections.abc import Iterable
from typing import get_args

from mlplane.api.datacheck import CheckResult
from mlplane.api.dataset import DatasetStatus
from mlplane.data.staging import Rule
from mlplane.tasks import IngestResult

SHOWN_ROWS = 5
"""Numbers of rows in a sentence; the status has more."""


def stored(version: DatasetStatus) -> str:
    """The version, and the rules that it breaks without harm."""
    sentence = f"{version.rows} rows in {len(version.splits)} splits are stored at {version.uri}"
    warned = [check for check in version.checks if check.verdict == "Warned"]
    return f"{sentence}; warning: {_first_of(warned, version.rows or 0)}" if warned else sentence


def broken(result: IngestResult) -> str:
    """The first rule that is broken, and how many more are."""
    failed = [check for check in result.checks if check.verdict == "Failed"]
    is_of_reading = bool(failed) and failed[0].name in get_args(Rule)
    rows = result.read if is_of_reading and result.read is not None else result.rows
    return _first_of(failed, rows) or "the data fail their checks"


def _first_of(checks: list[CheckResult], rows: int) -> str:
    if not checks:
        return ""
    more = f"; and {len(checks) - 1} more, see status.checks" if len(checks) > 1 else ""
    return _of_check(checks[0], rows) + more


def _of_check(check: CheckResult, rows: int) -> str:
    what = f"column {check.column}: rule {check.rule}" if check.column else f"rule {check.rule}"
    measured = f", measured {check.measured}" if check.measured is not None else ""
    if not check.count:
        return f"{what} is broken{measured}"
    return f"{what} is broken by {check.count} of {rows} records{_places(check)}{measured}"


def _places(check: CheckResult) -> str:
    if not check.rows:
        return ""
    shown = _listed(check.rows[:SHOWN_ROWS])
    return f" (rows {shown}, …)" if check.count > min(len(check.rows), SHOWN_ROWS) else f" (rows {shown})"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
