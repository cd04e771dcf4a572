"""What the controllers would do with a namespace, found out by letting them decide, in the mind.

Passes are made until nothing changes. Then every Workflow that has not ended is taken to succeed and every
InferenceService to become ready, and passes are made again, until nothing is left to do. What an object
waited for before it could go on is kept: it is what has to happen first. Pure but for the facts.
Called by ``gitops.planning``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from mlplane import names
from mlplane.adapters import foretold
from mlplane.adapters.children import controller_of
from mlplane.api.conditions import is_true, of
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.api.refs import Ref, ref_of
from mlplane.gitops.planninganswers import Answering
from mlplane.gitops.planningworld import World
from mlplane.reconcilers import RECONCILERS
from mlplane.reconcilers.plan import Plan, Settings

WAVES = 40
"""Rounds of Workflows that end; a longer chain of Datasets than there may be."""
PASSES = 40
"""Passes over all objects between two rounds."""
_RECONCILERS: dict[str, Any] = {module.KIND.__name__: module for module in RECONCILERS}


@dataclass
class Foresight:
    """What came of it."""

    world: World
    """In the end."""
    made: dict[Ref, Body] = field(default_factory=dict)
    """Workflows that were created, as they were rendered."""
    waited: dict[Ref, str] = field(default_factory=dict)
    """For objects that something was done for: what each waited for before; empty if it went on at once."""


def foresee(
    world: World, settings: Settings, answering: Answering, unfinished: Collection[Ref] = ()
) -> Foresight:
    """Let the controllers work until nothing is left to do.

    Args:
        world: Where they start; it is changed.
        settings: The operator's configuration.
        answering: What steps answer.
        unfinished: Objects whose Workflows are not to end.
    """
    found = Foresight(world)
    for wave in range(WAVES):
        _settle(found, settings, is_first=wave == 0)
        if not _end_what_runs(world, answering, unfinished):
            break
    return found


def ready_message(body: Body | None) -> str:
    """What the Ready condition of an object says."""
    return text((of(body, names.READY) or {}).get("message"))


def _settle(found: Foresight, settings: Settings, *, is_first: bool) -> None:
    for _ in range(PASSES):
        ours = [ref for ref in found.world.objects if ref.api_version == names.API_VERSION]
        changes = [_pass(found, ref, settings, is_first=is_first) for ref in ours]
        if not any(changes):
            return


def _pass(found: Foresight, ref: Ref, settings: Settings, *, is_first: bool) -> bool:
    """One look at one object; whether anything changed."""
    world = found.world
    if not world.has_news(ref):
        return False
    body = world.objects[ref]
    plan = _plan(world, body, settings)
    if plan is None:
        return False
    before = ready_message(body)
    changed = _act(found, plan)
    if changed:
        is_held_up = not is_first and not is_true(body, names.READY)
        found.waited.setdefault(ref, before if is_held_up else "")
    status = plan.status.to_body()
    if status == body.get("status"):
        return changed
    world.write(body | {"status": status})
    return True


def _plan(world: World, body: Body, settings: Settings) -> Plan | None:
    """The controller's decision; None where the object cannot be read, which the engine reports too."""
    reconciler = _RECONCILERS[body["kind"]]
    try:
        obj = reconciler.KIND.model_validate(body)
        plan: Plan = reconciler.plan(
            obj, world.look(ref_of(body), reconciler.refs(obj, settings)), world.now, settings
        )
    except (ValidationError, ValueError, LookupError):
        return None
    return plan


def _act(found: Foresight, plan: Plan) -> bool:
    changed = False
    for body in plan.create:
        if ref_of(body) not in found.world.objects:
            found.world.put(body)
            found.made[ref_of(body)] = body
            changed = True
    for body in plan.apply:
        found.world.apply(_without_conditions(body))
        changed = True
    return changed


def _without_conditions(body: Body) -> Body:
    """The object without what makes a write fail when it has changed since."""
    meta = {key: value for key, value in body["metadata"].items() if key not in ("resourceVersion", "uid")}
    return body | {"metadata": meta}


def _end_what_runs(world: World, answering: Answering, unfinished: Collection[Ref]) -> bool:
    """End every Workflow well, and have every InferenceService ready; whether any was not yet."""
    changed = False
    for body in list(world.objects.values()):
        ended = _ended(world, body, answering, unfinished)
        if ended is not None and ended != body:
            world.write(ended)
            changed = True
    return changed


def _ended(world: World, body: Body, answering: Answering, unfinished: Collection[Ref]) -> Body | None:
    if body["kind"] == names.INFERENCE_SERVICE_KIND:
        return foretold.ready(body)
    if body["kind"] != names.WORKFLOW_KIND or not foretold.is_running(body):
        return None
    owner = owner_of(body, world.objects)
    if owner is None or ref_of(owner) in unfinished:
        return None
    if foretold.is_stopped(body):
        return foretold.stopped(body)
    answers = answering.answer(body, owner)
    return foretold.succeeded(body, answers) if answers is not None else None


def owner_of(child: Body, objects: Mapping[Ref, Body]) -> Body | None:
    """The object of mlplane that controls a child, if it is there."""
    controller = controller_of(child) or {}
    named = (text(controller.get("kind")), text(controller.get("name")))
    ref = Ref(names.API_VERSION, named[0], text(at(child, "metadata", "namespace")), named[1])
    return objects.get(ref)
