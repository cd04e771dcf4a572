"""What a change of a repository would do: two sets of objects in, a plan out. Pure.

Called by ``cli.plan``. The edges that read git, a cluster and a store are ``gitops.planningsides``,
``gitops.planninglive`` and ``gitops.planningfacts``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mlplane.api.meta import Body
from mlplane.api.planned import ObjectChange, Plan
from mlplane.api.refs import Ref
from mlplane.errors import Terminal
from mlplane.gitops.differences import Objects, differences
from mlplane.gitops.foresight import foresee
from mlplane.gitops.planninganswers import Answering
from mlplane.gitops.planningchildren import children
from mlplane.gitops.planningeffects import Futures, effects
from mlplane.gitops.planningknown import Facts
from mlplane.gitops.planningruns import capacity, planned_runs
from mlplane.gitops.planningworld import World
from mlplane.gitops.sync import guard_prune
from mlplane.settings import Settings

_FROM_GIT = (
    "runs that were there before count as finished, and their models as passed; "
    "what no manifest here makes counts as missing; --live looks at a cluster"
)
_GOES_WELL = "what starts is taken to succeed, and to pass its gates"


@dataclass(frozen=True)
class Sides:
    """What is compared."""

    path: str
    namespace: str
    before: Objects
    """The objects that came from the path."""
    after: Objects
    """The objects that are to come from it."""
    before_name: str
    after_name: str
    owned: int
    """How many objects the agent knows as its own; it does not delete most of them at once."""
    may_prune: bool = False
    """Whether a commit confirms that it may."""
    live: tuple[Body, ...] | None = None
    """All objects of the namespace that decisions depend on; None where no cluster was asked."""
    refused: Mapping[Ref, str] | None = None
    """What a cluster would not take, and why."""


def plan(sides: Sides, settings: Settings, facts: Facts, now: datetime) -> Plan:
    """The plan of a change; an empty one if nothing would change.

    Args:
        sides: What is compared.
        settings: The operator's configuration.
        facts: What is known beside manifests.
        now: The present.
    """
    objects = tuple(_judged(change, sides) for change in differences(sides.before, sides.after))
    problems = [f"{c.kind} {c.name}: {c.problem}" for c in objects if c.problem]
    known = {"path": sides.path, "namespace": sides.namespace, "objects": objects}
    known |= {"before": sides.before_name, "after": sides.after_name}
    try:
        _guard(sides, objects)
    except Terminal as error:
        return Plan(**known, problems=(str(error), *problems))
    if not objects:
        return Plan(**known)
    found = _foreseen(_futures(sides, objects, settings, facts, now), settings)
    notes = (_GOES_WELL,) if sides.live is not None else (_FROM_GIT, _GOES_WELL)
    return Plan(**known, **found, problems=tuple(problems), notes=notes)


def _guard(sides: Sides, objects: tuple[ObjectChange, ...]) -> None:
    if not sides.may_prune:
        gone = sum(change.action == "Deleted" for change in objects)
        guard_prune(gone, sides.owned, is_all=not sides.after)


def _judged(change: ObjectChange, sides: Sides) -> ObjectChange:
    """The change with what a cluster has said of it."""
    said = next((why for ref, why in (sides.refused or {}).items() if _is(ref, change)), "")
    return change.model_copy(update={"action": "Refused", "problem": said}) if said else change


def _is(ref: Ref, change: ObjectChange) -> bool:
    return (ref.kind, ref.name) == (change.kind, change.name)


def _futures(
    sides: Sides, objects: tuple[ObjectChange, ...], settings: Settings, facts: Facts, now: datetime
) -> Futures:
    """The namespace without the change and with it."""
    answering = Answering(facts)
    changed = {ref for ref in sides.before for c in objects if _is(ref, c) and c.action == "Changed"}
    start = World(sides.before.values() if sides.live is None else sides.live, now)
    if sides.live is None:
        # Only a run that has not finished is touched by a change of it, so it is taken to be at work.
        at_work = {ref for ref in changed if ref.kind == "TrainingRun"}
        foresee(start, settings, answering, unfinished=at_work)
    for body in start.objects.values():
        if body["kind"] == "Dataset":
            answering.versions.know(body)
    after = _changed(start.copy(), sides, objects)
    without = foresee(start.copy(), settings, answering)
    return Futures(start.objects, without, foresee(after, settings, answering), answering)


def _changed(world: World, sides: Sides, objects: tuple[ObjectChange, ...]) -> World:
    """The namespace right after the agent has applied what is not refused."""
    for change in objects:
        if change.action == "Deleted":
            world.remove(next(ref for ref in sides.before if _is(ref, change)))
        elif change.action != "Refused":
            world.put(next(body for ref, body in sides.after.items() if _is(ref, change)))
    return world


def _foreseen(futures: Futures, settings: Settings) -> Body:
    """The fields of the plan that tell what the controllers would do."""
    found: Body = {
        "effects": effects(futures),
        "runs": planned_runs(futures),
        "capacity": capacity(futures, settings.profile),
        "children": children(futures),
    }
    text = json.dumps([child.to_body() for child in found["children"]])
    named = {stand_in: why for stand_in, why in futures.answering.stand_ins.items() if stand_in in text}
    return found | {"stand_ins": named}
