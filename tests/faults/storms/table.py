"""The storms: what goes wrong, on which verb, how often. Each becomes hooks for the proxy."""

import asyncio
import copy
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from faults.proxy import Answer, Hooks, Request, Reset, Trickle

VERBS = ("get", "list", "watch", "create", "apply", "status")
OPENINGS: dict[str, Literal["", "reset", "kill"]] = {"watch": "reset", "list": "kill", "get": "kill"}
SLOW_S = 3.0
Event = dict[str, Any]


def verb_of(request: Request) -> str:
    """The verb: ``apply`` is any PATCH of an object, ``status`` one of its status; discovery is ``get``."""
    if request.is_watch:
        return "watch"
    parts = request.path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    if request.method == "GET":
        return "list" if len(rest) == 1 else "get"
    if request.method == "PATCH":
        return "status" if len(rest) > 2 else "apply"
    return {"POST": "create", "DELETE": "delete"}.get(request.method, request.method)


def _status(code: int, reason: str, **headers: str) -> Answer:
    message = "a storm: the server does not do this now"
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {}}
    return Answer(code, body | {"code": code, "reason": reason, "message": message}, headers)


FAULTS: dict[str, Answer | Reset | Trickle | float] = {
    "400": _status(400, "BadRequest"),
    "403": _status(403, "Forbidden"),
    "409": _status(409, "Conflict"),
    "410": _status(410, "Expired"),
    "422": _status(422, "Invalid"),
    "429": _status(429, "TooManyRequests"),
    "429 Retry-After": _status(429, "TooManyRequests", **{"Retry-After": "2"}),
    "500": _status(500, "InternalError"),
    "503": _status(503, "ServiceUnavailable"),
    "reset": Reset(),
    "slow": SLOW_S,
    "trickle": Trickle(1.0),
}


@dataclass(frozen=True)
class Storm:
    """One thing that goes wrong for a while."""

    name: str
    hooks: Callable[[], Hooks] = field(compare=False)
    opening: Literal["", "reset", "kill"] = ""
    """What makes the operator do what the storm is about: its connections break, or it is killed."""
    down_s: float = 0.0
    """For how long the API server is dead instead (SIGKILL)."""


def _errors(fault: Answer | Reset | Trickle | float, verb: str | None, share: float) -> Callable[[], Hooks]:
    def hooks() -> Hooks:
        chance = random.Random(7)  # the same dice for everybody

        async def before(request: Request) -> Any:
            if (verb and verb_of(request) != verb) or chance.random() >= share:
                return None
            if isinstance(fault, float):
                return await asyncio.sleep(fault)
            return fault

        return Hooks(before=before)

    return hooks


def _lost_replies() -> Hooks:
    """The server has done it, and nobody learns of it."""

    async def after(request: Request, _reply: Any) -> Reset | None:
        return Reset() if request.is_write else None

    return Hooks(after=after)


def _watching(change: Callable[[Event], list[Event]]) -> Hooks:
    async def event(_request: Request, event: Event) -> list[Event]:
        return [event] if event["type"] in ("BOOKMARK", "ERROR") else change(event)

    return Hooks(event=event)


def _dropped() -> Hooks:
    """A stream of bookmarks only, which looks well and moves the version on."""
    return _watching(lambda _: [])


def _half_dropped() -> Hooks:
    chance = random.Random(7)
    return _watching(lambda event: [event] if chance.random() < 0.5 else [])


def _duplicated() -> Hooks:
    return _watching(lambda event: [event, event, event])


def _stale() -> Hooks:
    """After each version of an object an older one comes again."""
    first: dict[str, Event] = {}

    def change(event: Event) -> list[Event]:
        old = first.setdefault(event["object"]["metadata"]["uid"], copy.deepcopy(event))
        return [event, old | {"type": "MODIFIED"}] if event["type"] != "DELETED" else [event]

    return _watching(change)


def _coalesced() -> Hooks:
    """Of the changes of an object only every third is told, as if it were the first that was seen."""
    counts: dict[str, int] = {}

    def change(event: Event) -> list[Event]:
        uid = event["object"]["metadata"]["uid"]
        counts[uid] = counts.get(uid, 0) + 1
        return [event] if event["type"] == "DELETED" or counts[uid] % 3 == 0 else []

    return _watching(change)


def storms() -> Iterator[Storm]:
    """All of them: each fault on each verb at 1.0 and 0.3, watches that lie, and an API server that dies."""
    yield Storm("calm", Hooks)
    for share in (1.0, 0.3):
        for fault, answer in FAULTS.items():
            for verb in VERBS:
                yield Storm(
                    f"{fault} on {verb} p={share}", _errors(answer, verb, share), OPENINGS.get(verb, "")
                )
    for fault, answer in FAULTS.items():
        yield Storm(f"{fault} on all p=0.3", _errors(answer, None, 0.3), "kill")
    yield Storm("reply lost on writes p=1.0", _lost_replies)
    yield Storm("watch events dropped", _dropped)
    yield Storm("watch events half dropped", _half_dropped)
    yield Storm("watch events coalesced", _coalesced)
    yield Storm("watch events duplicated", _duplicated)
    yield Storm("watch events stale", _stale)
    for seconds in (2.0, 5.0, 10.0):
        yield Storm(f"API server dead for {seconds:.0f} s", Hooks, down_s=seconds)
