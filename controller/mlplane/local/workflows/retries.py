"""Nodes of type Retry: when a template is tried again, as Argo decides it. Pure.

Every decision follows from the attempts' nodes: waits count from the recorded end of the last one, so an
engine that was away goes on with the same wait.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from mlplane.api import Body
from mlplane.local.workflows.calls import Call
from mlplane.local.workflows.clock import later, moment, spoken
from mlplane.local.workflows.phases import has_failed, is_attempt, is_done
from mlplane.local.workflows.templating import Scope, Unresolvable, holds, substitute
from mlplane.local.workflows.transients import is_transient
from mlplane.local.workflows.walk import Walk

Run = Callable[[Walk, Call], Body]


@dataclass(frozen=True)
class Verdict:
    """What follows from the end of an attempt: an end, a wait, or, with neither, another attempt."""

    phase: str = ""
    """Of the Retry node, if it is over."""
    message: str = ""
    until: datetime | None = None
    """When the wait is over."""


AGAIN = Verdict()


def strategy_of(call: Call) -> Body | None:
    """A call's retryStrategy with its tags replaced; None if it has none. Raises Unresolvable."""
    found = call.template.get("retryStrategy")
    strategy: Body | None = None if found is None else substitute(found, call.scope)
    return strategy


def retry(walk: Walk, call: Call, strategy: Body, run: Run) -> Body:
    """The Retry node of a call, and those of its attempts.

    Raises:
        Unresolvable: its strategy or an attempt cannot be filled in.
    """
    node = walk.named(call.node_name) or walk.add(call.use, "Retry", "Running", inputs=call.inputs)
    while not is_done(node) and _goes_on(walk, call, strategy, node, run):
        pass
    attempts = _attempts(walk, node)
    if is_done(node) and attempts and attempts[-1].get("outputs"):
        node["outputs"] = attempts[-1]["outputs"]
    return node


def _attempts(walk: Walk, node: Body) -> list[Body]:
    return [each for each in walk.children(node) if is_attempt(each)]


def _goes_on(walk: Walk, call: Call, strategy: Body, node: Body, run: Run) -> bool:
    """Judge the last attempt if it is over, or bring it on; whether there is more to do at once."""
    attempts = _attempts(walk, node)
    if attempts and is_done(attempts[-1]):
        verdict = judge(walk, call, strategy, attempts)
        walk.mark(node, verdict.phase or "Running", verdict.message)
        if verdict.until is not None:
            walk.wakes.append(verdict.until)
        if verdict != AGAIN:
            return False
        earlier = attempts
    else:
        earlier = attempts[:-1]
    attempt = _attempt(walk, call, strategy, earlier)
    try:
        child = run(walk, attempt)
    except Unresolvable as error:
        child = walk.named(attempt.node_name) or walk.add(attempt.use, "Skipped", "Error")
        walk.link(node, walk.mark(child, "Error", str(error)))
        raise
    walk.link(node, child)
    return is_done(child)


def _attempt(walk: Walk, call: Call, strategy: Body, earlier: list[Body]) -> Call:
    """The attempt after those that are over."""
    name = f"{call.node_name}({len(earlier)})"
    known = {"retries": str(len(earlier)), "pod.name": walk.pod_name(name, call.template["name"])}
    known |= last_scope(earlier[-1] if earlier else None, exit_code="0")
    longest = (strategy.get("backoff") or {}).get("maxDuration")
    until = later(earlier[0]["startedAt"], call.seconds(longest)) if longest and earlier else None
    return call.attempt(name, known, until)


def last_scope(last: Body | None, *, exit_code: str) -> dict[str, str]:
    """``lastRetry``: what is known of the attempt before.

    Args:
        last: Its node, if there was one.
        exit_code: The exit code to go by where there is none.
    """
    outputs = (last or {}).get("outputs") or {}
    return {
        "lastRetry.exitCode": outputs.get("exitCode", exit_code),
        "lastRetry.status": last["phase"] if last else "",
        "lastRetry.duration": f"{_seconds(last):g}" if last else "0",
        "lastRetry.message": last.get("message", "") if last else "",
    }


def _seconds(node: Body) -> float:
    return (moment(node.get("finishedAt") or node["startedAt"]) - moment(node["startedAt"])).total_seconds()


def judge(walk: Walk, call: Call, strategy: Body, attempts: list[Body]) -> Verdict:
    """What follows from the end of the last attempt. Raises Unresolvable."""
    last = attempts[-1]
    phase, message = last["phase"], last.get("message", "")
    if not has_failed(last):
        return Verdict("Succeeded")
    if walk.shutdown:
        return Verdict(phase, f"Stopped with strategy '{walk.shutdown}'")
    if walk.is_late:
        return Verdict(phase, f"retry exceeded workflow deadline {walk.deadline:%Y-%m-%d %H:%M:%S +0000 UTC}")
    limit = None if strategy.get("limit") is None else call.whole("retryStrategy.limit", strategy["limit"])
    wait = _wait(walk, call, strategy, attempts, limit)
    if wait is not None:
        return wait
    if not _is_retried(strategy, phase, message):
        return Verdict(phase, message)
    if limit is not None and len(attempts) > limit:
        return Verdict(phase, "No more retries left")
    if expression := strategy.get("expression"):
        known: Scope = {"retries": str(len(attempts) - 1), **last_scope(last, exit_code="-1")}
        if not holds(expression, known):
            return Verdict(phase, "retryStrategy.expression evaluated to false")
    return AGAIN


def _is_retried(strategy: Body, phase: str, message: str) -> bool:
    policy = strategy.get("retryPolicy") or ("Always" if strategy.get("expression") else "OnFailure")
    match policy:
        case "OnError":
            return phase == "Error"
        case "OnFailure":
            return phase == "Failed"
        case "OnTransientError":
            return is_transient(message)
    return True


def _wait(walk: Walk, call: Call, strategy: Body, attempts: list[Body], limit: int | None) -> Verdict | None:
    """How the back-off bears on what follows; None if it does not (any more)."""
    backoff = strategy.get("backoff")
    if not backoff:
        return None
    phase, end = attempts[-1]["phase"], None
    if backoff.get("maxDuration"):
        end = later(attempts[0]["startedAt"], call.seconds(backoff["maxDuration"]))
        if walk.now > end:
            return Verdict(phase, "Max duration limit exceeded")
    if not backoff.get("duration"):
        message = "no base duration specified for retryStrategy"
        raise Unresolvable(message)
    seconds = backoff_seconds(
        call.seconds(backoff["duration"]),
        len(attempts),
        factor=call.whole("retryStrategy.backoff.factor", backoff.get("factor", 0)),
        cap=call.seconds(backoff["cap"]) if backoff.get("cap") else None,
    )
    until = later(attempts[-1]["finishedAt"], seconds)
    if end is not None and until > end:
        return Verdict(phase, "Backoff would exceed max duration limit")
    if walk.now < until and (limit is None or len(attempts) <= limit):
        return Verdict("", f"Backoff for {spoken(seconds)}", until)
    return None


def backoff_seconds(first: float, attempts: int, *, factor: int, cap: float | None) -> float:
    """The wait after so many attempts: ``first`` after the first one, then times ``factor`` each."""
    try:
        seconds = first * float(factor) ** (attempts - 1) if factor > 0 else first
    except OverflowError:
        seconds = _LONGEST
    return min(seconds, _LONGEST if cap is None else cap)


_LONGEST = 292 * 365 * 86400.0
"""The longest duration that Go knows."""
