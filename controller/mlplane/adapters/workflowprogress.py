"""How far a run's Workflow is: when its training may end, and how often a step was started again. Pure.

Called by ``reconcilers.runoutcome``.
"""

import re
from datetime import datetime, timedelta

from mlplane import tasks
from mlplane.api import Body
from mlplane.api.conditions import timestamp
from mlplane.api.reading import at, mapping, mappings, text

MINUTE = timedelta(minutes=1)
LONGEST = timedelta(days=365)
"""An estimate beyond that says nothing."""


def estimated_end(workflow: Body, now: datetime) -> str | None:
    """When training ends if it goes on as fast, rounded up to the minute; None if that is not known.

    A training that was resumed seems faster than it is at first: what it has done before counts as done now.
    One whose pod waited for a node seems slower: Argo says when the pod was asked for, not when it began.
    """
    for node in _pods(workflow):
        if node.get("templateName") != tasks.TRAIN or node.get("phase") != "Running":
            continue
        found = re.fullmatch(r"(\d{1,15})/(\d{1,15})", text(node.get("progress")))
        began = _time(text(node.get("startedAt")))
        if found and began and 0 < int(found[1]) <= int(found[2]) and now > began:
            return _rounded(began, (now - began) / int(found[1]), int(found[2]))
    return None


def _rounded(began: datetime, part: timedelta, parts: int) -> str | None:
    """The end of the last part, in whole minutes."""
    if part > LONGEST / parts:
        return None
    seconds = (began + part * parts).timestamp()
    return timestamp(datetime.fromtimestamp(-(-seconds // 60) * 60, tz=began.tzinfo))


def has_moved(old: str | None, new: str | None) -> bool:
    """Whether an estimate is another one by more than a minute."""
    before, after = _time(old or ""), _time(new or "")
    return before is None or after is None or abs(after - before) > MINUTE


def restarts_of(workflow: Body) -> int:
    """Pods that took the place of one that was lost or failed."""
    pods = {text(node.get("id")) for node in _pods(workflow)}
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    retried = [node.get("children") for node in nodes if node.get("type") == "Retry"]
    attempts = [sum(child in pods for child in each) for each in retried if isinstance(each, list)]
    return sum(max(0, count - 1) for count in attempts)


def _pods(workflow: Body) -> list[Body]:
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    return [node for node in nodes if node.get("type") == "Pod"]


def _time(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
