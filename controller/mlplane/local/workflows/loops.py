"""Loops: a step or task with ``withItems``, ``withParam`` or ``withSequence`` as several. Pure."""

import json
from dataclasses import dataclass
from typing import Any

from mlplane.api import Body
from mlplane.local.workflows.gotext import compact, text_of
from mlplane.local.workflows.templating import Scope, Unresolvable, should_execute, substitute

FIELDS = ("withItems", "withParam", "withSequence")
EMPTY = "Skipped, empty params"
"""Message of a loop without turns."""
ITEM_LIMIT = 100_000
"""Turns of one loop; the status of more would fit into no object."""


@dataclass(frozen=True)
class Turn:
    """One turn of a loop."""

    name: str
    """Of its step or task."""
    scope: Scope
    """``item``, and ``item.KEY`` for each field of an item that is a map."""


def is_loop(caller: Body) -> bool:
    """Whether a step or task is a loop."""
    return any(field in caller for field in FIELDS)


def turns(caller: Body, scope: Scope) -> list[Turn]:
    """The turns of a loop.

    Args:
        caller: The step or task.
        scope: What its tags stand for, but for ``item``.

    Raises:
        Unresolvable: its list cannot be made.
    """
    return [_turn(caller["name"], number, item) for number, item in enumerate(items_of(caller, scope))]


def turns_if_run(caller: Body, scope: Scope) -> list[Turn]:
    """The turns of a loop; none if its list cannot be made and its condition says that it is not needed.

    Raises:
        Unresolvable: the list cannot be made, and it is needed.
    """
    try:
        return turns(caller, scope)
    except Unresolvable:
        if _is_off(caller, scope):
            return []
        raise


def _is_off(caller: Body, scope: Scope) -> bool:
    try:
        return not should_execute(substitute(caller.get("when") or "", scope))
    except Unresolvable:
        return False


def items_of(caller: Body, scope: Scope) -> list[Any]:
    """What a loop goes through. Raises Unresolvable."""
    if "withItems" in caller:
        return [substitute(each, scope) for each in caller["withItems"]]
    if "withParam" in caller:
        return _listed(substitute(caller["withParam"], scope))
    return list(sequence(substitute(caller["withSequence"], scope)))


def _listed(text: Any) -> list[Any]:
    try:
        items = json.loads(text_of(text))
        if isinstance(items, list):
            return items
        why = "it is no list"
    except ValueError as error:
        why = str(error)
    message = f"withParam value could not be parsed as a JSON list: {text_of(text).strip()}: {why}"
    raise Unresolvable(message)


def sequence(declared: Body) -> list[str]:
    """The numbers of a ``withSequence``, formatted. Raises Unresolvable."""
    start = _number(declared.get("start", 0))
    if "end" in declared:
        end = _number(declared["end"])
    elif (count := _number(declared.get("count", 0))) == 0:
        return []
    else:
        end = start + count - 1
    step = 1 if start <= end else -1
    if abs(end - start) >= ITEM_LIMIT:
        message = f"withSequence from {start} to {end}: at most {ITEM_LIMIT} turns are supported"
        raise Unresolvable(message)
    form = declared.get("format") or "%d"
    try:
        return [form % number for number in range(start, end + step, step)]
    except (TypeError, ValueError) as error:
        message = f"withSequence.format: {form!r} is no format of one number: {error}"
        raise Unresolvable(message) from None


def _number(value: Any) -> int:
    try:
        return int(text_of(value))
    except ValueError:
        message = f"withSequence: found {text_of(value)!r}; allowed is a whole number"
        raise Unresolvable(message) from None


def _turn(name: str, number: int, item: Any) -> Turn:
    if item is None:
        message = f"withItems[{number}] expected string, number, list, or map. received: null"
        raise Unresolvable(message)
    scope: dict[str, str | None] = {"item": text_of(item)}
    if isinstance(item, dict):
        fields = {key: _shown(value) for key, value in item.items()}
        scope |= {f"item.{key}": value for key, value in fields.items()}
        shown = ",".join(sorted(f"{key}:{value}" for key, value in fields.items()))
    elif isinstance(item, list):
        shown = f"[{' '.join(map(_shown, item))}]"
    else:
        shown = _shown(item)
    return Turn(f"{name}({number}:{shown.replace('(', '').replace(')', '')})", scope)


def _shown(value: Any) -> str:
    """A value in a name: JSON that is not escaped for HTML."""
    if isinstance(value, str):
        return value
    return compact(value).replace("\\u003c", "<").replace("\\u003e", ">").replace("\\u0026", "&")
