"""What a pass found out about an object, and the conditions that say so."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mlplane import names
from mlplane.adapters.children import controller_of
from mlplane.api.conditions import condition, merged
from mlplane.api.meta import Body, Condition, Resource
from mlplane.api.reading import named
from mlplane.reconcilers.plan import Observed

UNWATCHED = timedelta(seconds=30)
"""When to look again at what stands in the way: no watch tells of what is not mlplane's."""


@dataclass(frozen=True)
class Ready:
    """All is as it should be."""

    reason: str
    message: str


@dataclass(frozen=True)
class Waiting:
    """Something has to happen first, and it may happen without a person."""

    reason: str
    message: str


@dataclass(frozen=True)
class Stalled:
    """Nothing will happen until a person changes something; the message says what."""

    reason: str
    message: str


@dataclass(frozen=True)
class Suspended:
    """Nothing happens because the spec says so; nothing is wrong, and nobody is waited for."""

    reason: str
    message: str


State = Ready | Waiting | Stalled | Suspended
Gate = Callable[[Any, Observed], Waiting | Stalled | None]
"""A reason not to go on, named after what is wrong."""


def first_blocked(gates: tuple[Gate, ...], obj: Resource, observed: Observed) -> Waiting | Stalled | None:
    """The first gate that holds; their order is the order in which a person should look."""
    return next((blocked for gate in gates if (blocked := gate(obj, observed))), None)


def name_taken(child: Body, reason: str) -> Waiting | Stalled:
    """The child's name is held by what an earlier object of the same name left, or by something else."""
    what = f"{child['kind']} {named(child)}"
    if controller_of(child):
        return Waiting(reason, f"waits for {what} of an earlier owner to go")
    return Stalled(reason, f"{what} is in the way and belongs to nobody: delete it")


def conditions(
    obj: Any, state: State, now: datetime, *more: tuple[str, bool | None, str, str]
) -> tuple[Condition, ...]:
    """Ready, Reconciling or Stalled where it applies (kstatus); more as (type, holds, reason, message)."""
    wanted: list[tuple[str, bool | None, str, str]] = [
        (names.READY, isinstance(state, Ready), state.reason, state.message)
    ]
    if isinstance(state, Waiting):
        wanted.append((names.RECONCILING, True, state.reason, state.message))
    if isinstance(state, Stalled):
        wanted.append((names.STALLED, True, state.reason, state.message))
    made = [
        condition(
            type_,
            holds=holds,
            reason=reason,
            message=message,
            generation=obj.metadata.generation,
            now=now,
        )
        for type_, holds, reason, message in [*wanted, *more]
    ]
    return merged(obj.status.conditions, made)
