"""Which news a change of status is: what people wait for, or must know, and nothing else. Pure.

Compares the conditions that were read with those that were written. What an object waits for when it is new
is no news: its conditions say it. Called by ``controller`` for each status that was written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlplane import names
from mlplane.api.conditions import of
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.cluster.events import News

STARTED = frozenset(
    {
        names.DEPLOYING,
        names.EVALUATING,
        names.INGESTING,
        names.ROLLING_OUT,
        names.RUNNING,
        names.SUSPENDED,
        names.TRANSFORMING,
    }
)
"""Reasons of objects that are not ready yet, and something is being done for them."""
STEPWISE = frozenset({names.ROLLING_OUT, names.ROLLOUT_STALLED})
"""Reasons whose message tells the steps."""
REJECTED = frozenset(
    {
        names.EVALUATION_FAILED,
        names.EVALUATION_INCONCLUSIVE,
        names.EVIDENCE_MISMATCH,
        names.GATE_FAILED,
        names.UNREADABLE_EVALUATION,
    }
)
"""Verdicts, and what took their place, that somebody should look at."""
ABORTED = frozenset({names.LOAD_FAILED, names.ROLLOUT_STALLED})
SILENT = frozenset({names.AVAILABLE, names.NOT_EVALUATED})

Notice = Literal["", "failed", "aborted", "promoted"]


@dataclass(frozen=True)
class Transition:
    """A piece of news, and the notification that it is worth, if any."""

    news: News
    notice: Notice = ""


def transitions(before: Body, status: Body) -> tuple[Transition, ...]:
    """The news that a new status is.

    Args:
        before: The object with the status that was read.
        status: The status that was written.
    """
    after = {**before, "status": status}
    return (*_of_ready(before, after), *_of_approved(before, after), *_of_drifted(before, after))


def _of_ready(before: Body, after: Body) -> Iterator[Transition]:
    was, found = of(before, names.READY) or {}, of(after, names.READY) or {}
    reason = text(found.get("reason"))
    is_new = _differ(was, found) or at(before, "status", "digest") != at(after, "status", "digest")
    if reason in STEPWISE:
        is_new = is_new or was.get("message") != found.get("message")
    if not is_new or reason in SILENT:
        return
    if _is_bad(after, reason):
        yield _transition("Warning", found, _alarm(after, reason))
    elif found.get("status") == "True":
        serves = after.get("kind") == "ModelServer" and reason == names.SERVING
        yield _transition("Normal", found, "promoted" if serves else "")
    elif reason in STARTED or was.get("status") == "True":
        yield _transition("Normal", found)


def _of_approved(before: Body, after: Body) -> Iterator[Transition]:
    was, found = (of(body, names.APPROVED) or {} for body in (before, after))
    reason = text(found.get("reason"))
    if found and reason not in SILENT and _differ(was, found):
        bad = reason in REJECTED
        yield _transition("Warning" if bad else "Normal", found, "failed" if bad else "")


def _of_drifted(before: Body, after: Body) -> Iterator[Transition]:
    was, found = (of(body, names.DRIFTED) or {} for body in (before, after))
    if found and _differ(was, found):
        yield _transition("Warning", found)


def _differ(was: Body, found: Body) -> bool:
    return any(was.get(key) != found.get(key) for key in ("status", "reason"))


def _is_bad(after: Body, reason: str) -> bool:
    """Whether nothing goes on without a person."""
    return reason in REJECTED or any(
        (of(after, type_) or {}).get("status") == "True" for type_ in (names.STALLED, names.FAILED)
    )


def _alarm(after: Body, reason: str) -> Notice:
    """A verdict is told by its ModelVersion, once."""
    match after.get("kind"):
        case "ModelServer":
            return "aborted" if reason in ABORTED else "failed"
        case "Evaluation" if reason in (names.GATE_FAILED, names.EVALUATION_INCONCLUSIVE):
            return ""
    return "failed"


def _transition(type_: Literal["Normal", "Warning"], condition: Body, notice: Notice = "") -> Transition:
    return Transition(News(type_, text(condition.get("reason")), text(condition.get("message"))), notice)
