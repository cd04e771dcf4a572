"""What has to be true after a crash, compared with a run in which nothing was killed. Pure.

A run is seen from outside: by watches, and by the answers of the API server that went through the proxies.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mlplane import names
from mlplane.api.refs import ref_of

Body = dict[str, Any]
State = dict[str, Any]
"""Objects by name, without what differs between two runs of the same story."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
VOLATILE = frozenset(
    {
        "resourceVersion",
        "managedFields",
        "containerID",
        "resourcesDuration",
        "estimatedDuration",
        "estimatedCompletion",
        "usage",
        "node.mlplane.dev/port",
    }
)
"""Fields and annotations that differ between any two runs; of a deletion time, that it is there is kept."""
UNCOMPARED = frozenset({"Lease", "Event", "CustomResourceDefinition", "Secret"})
"""Kinds that are not part of the end state: heartbeats, messages, and what the plane is made of."""
FINAL = {"Succeeded", "Failed", "Error", "Skipped", "Omitted"}
PHASES = {"": 0, "Pending": 1, "Running": 2} | dict.fromkeys(FINAL, 3)
LASTING = (names.COMPLETE, names.FAILED)
"""Conditions that are never taken back."""
PASSING = (names.RECONCILING, names.STALLED)
"""Conditions that are there only while they hold (kstatus)."""


def name_of(body: Body) -> str:
    """``Kind namespace/name``."""
    ref = ref_of(body)
    return f"{ref.kind} {ref.namespace}/{ref.name}"


def end_state(bodies: Iterable[Body], replaced: dict[str, str]) -> State:
    """The objects without uids, versions and times; ``replaced`` are texts that differ, such as ports."""
    found = {}
    for body in bodies:
        if body["kind"] not in UNCOMPARED:
            found[name_of(body)] = _without_volatile(body, replaced)
            if body["kind"] == names.WORKFLOW_KIND:
                # It has no status subresource: the generation counts the writes of its engine.
                del found[name_of(body)]["metadata"]["generation"]
    return found


def _without_volatile(value: Any, replaced: dict[str, str]) -> Any:
    match value:
        case str():
            for old, new in replaced.items():
                value = value.replace(old, new)
            return _TIME.sub("TIME", _UUID.sub("UID", value))
        case list():
            return [_without_volatile(item, replaced) for item in value]
        case dict():
            return {k: _without_volatile(v, replaced) for k, v in value.items() if k not in VOLATILE}
    return value


@dataclass
class History:
    """Every state of every object that was seen, by uid and then by version."""

    versions: dict[str, dict[int, Body]] = field(default_factory=lambda: defaultdict(dict))

    def saw(self, body: Body) -> None:
        """An object as an event or an answer shows it; other answers are passed over."""
        meta = body.get("metadata") or {}
        if meta.get("uid") and meta.get("resourceVersion") and body.get("kind") and "name" in meta:
            self.versions[meta["uid"]][int(meta["resourceVersion"])] = body

    def lives(self) -> Iterator[list[Body]]:
        """The states of each object, oldest first."""
        for states in self.versions.values():
            yield [states[version] for version in sorted(states)]


def counts(history: History, alive: set[str]) -> dict[str, tuple[int, int]]:
    """How often an object of each name was added and deleted; uids are never used twice."""
    found: dict[str, tuple[int, int]] = {}
    for uid, states in history.versions.items():
        body = next(iter(states.values()))
        if body["kind"] in UNCOMPARED:
            continue
        added, deleted = found.get(name_of(body), (0, 0))
        found[name_of(body)] = (added + 1, deleted + (uid not in alive))
    return found


def repeated_workflows(history: History) -> list[str]:
    """Workflows of which there was more than one for the same owner, generation and attempt.

    Their names follow from the generation (of a Dataset) or the attempt (of a TrainingRun).
    """
    made: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for uid, states in history.versions.items():
        body = next(iter(states.values()))
        if body["kind"] == names.WORKFLOW_KIND:
            owner = next((o["uid"] for o in body["metadata"].get("ownerReferences") or ()), "nobody")
            made[owner, name_of(body)].add(uid)
    return [
        f"{name} was made {len(uids)} times for one owner"
        for (_, name), uids in made.items()
        if len(uids) > 1
    ]


def orphans(bodies: Iterable[Body]) -> list[str]:
    """Objects with an owner that is not alive."""
    everything = list(bodies)
    alive = {body["metadata"]["uid"] for body in everything}
    return [
        f"{name_of(body)} belongs to {owner['kind']} {owner['name']}, which is gone"
        for body in everything
        for owner in body["metadata"].get("ownerReferences") or ()
        if owner["uid"] not in alive
    ]


def setbacks(history: History) -> set[str]:
    """Where a status went backward, or lost what it had said."""
    found: set[str] = set()
    for life in history.lives():
        for before, after in pairwise(life):
            found |= {f"{name_of(after)}: {what}" for what in _setbacks(before, after)}
    return found


def _setbacks(before: Body, after: Body) -> Iterator[str]:
    old, new = before.get("status") or {}, after.get("status") or {}
    if after["kind"] == "Pod":  # its readiness comes and goes; its phase does not
        yield from _phases(old.get("phase"), new.get("phase"), "phase")
        yield from _restarts(old, new)
        return
    yield from (f"status.{key} vanished" for key, value in old.items() if value and key not in new)
    for number in ("observedGeneration", "attempt"):
        if (new.get(number) or 0) < (old.get(number) or 0):
            yield f"status.{number} went from {old[number]} to {new.get(number)}"
    if after["kind"] == names.WORKFLOW_KIND:
        yield from _phases(old.get("phase"), new.get("phase"), "phase")
        yield from _nodes(old.get("nodes") or {}, new.get("nodes") or {})
    else:
        yield from _conditions(old, new)


def _phases(old: str | None, new: str | None, what: str) -> Iterator[str]:
    before, after = PHASES.get(old or "", 2), PHASES.get(new or "", 2)
    if after < before or (before == 3 and old != new):
        yield f"{what} went from {old} to {new}"


def _nodes(old: Body, new: Body) -> Iterator[str]:
    for key, node in old.items():
        name = node.get("displayName", key)
        if key not in new:
            yield f"node {name} vanished"
        else:
            yield from _phases(node.get("phase"), new[key].get("phase"), f"node {name}")


def _conditions(old: Body, new: Body) -> Iterator[str]:
    after = {c["type"]: c for c in new.get("conditions") or ()}
    for condition in old.get("conditions") or ():
        kind, found = condition["type"], after.get(condition["type"])
        if found is None:
            if kind not in PASSING:
                yield f"condition {kind} vanished"
        elif condition["status"] == "True" and found["status"] != "True":
            same = condition.get("observedGeneration") == found.get("observedGeneration")
            if kind in LASTING or (same and kind not in PASSING):
                yield f"condition {kind} was taken back"


def _restarts(old: Body, new: Body) -> Iterator[str]:
    after = {c["name"]: c.get("restartCount", 0) for c in new.get("containerStatuses") or ()}
    for container in old.get("containerStatuses") or ():
        if after.get(container["name"], 0) < container.get("restartCount", 0):
            yield f"restartCount of {container['name']} went down"


def differences(wanted: Any, found: Any, where: str = "") -> Iterator[str]:
    """What differs between two end states, a line each."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(wanted.keys() | found.keys(), key=str):
            path = f"{where}.{key}" if where else str(key)
            if key not in found:
                yield f"{path} is missing"
            elif key not in wanted:
                yield f"{path} is too much"
            else:
                yield from differences(wanted[key], found[key], path)
    elif wanted != found:
        yield f"{where} is {_short(found)}, not {_short(wanted)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
