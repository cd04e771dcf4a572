"""Objects under a shape: which fields they have, how two differ, merging one into another, removing fields.

The counterpart of structured-merge-diff's typed values; ``managedfields`` is the only caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlplane.local.apiserver import fieldsets
from mlplane.local.apiserver.fieldsets import MEMBER, FieldSet, field_step
from mlplane.local.apiserver.misfits import misfit
from mlplane.local.apiserver.relations import Shape
from mlplane.structural.nodes import MISSING


@dataclass(slots=True)
class Comparison:
    """How a new object differs from an old one."""

    changed: FieldSet = field(default_factory=dict)
    """Fields that are new or have another value."""
    removed: FieldSet = field(default_factory=dict)


def fields_of(value: Any, shape: Shape) -> FieldSet:
    """The fields that a configuration speaks of; containers count only if they are empty, or items."""
    relation = shape.relation(value)
    if relation == "leaf":
        return {MEMBER: {}}
    result: FieldSet = {}
    for step, item, below in _children(value, shape, relation):
        found = fields_of(item, below)
        is_item = relation == "list" or not shape.is_named(step[2:])
        if is_item or item is None or item == {}:
            found = {MEMBER: {}} | found
        if found:
            result[step] = found
    return result


def compare(old: Any, new: Any, shape: Shape) -> Comparison:
    """The difference between two values; MISSING stands for no value."""
    result = Comparison()
    _compare(old, new, shape, result.changed, result.removed)
    return result


def _compare(old: Any, new: Any, shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    if old is new:
        return
    before, after = _relation(old, shape), _relation(new, shape)
    if before != after and not (before == "empty" or after == "empty"):
        _compare(old, MISSING, shape, changed, removed)
        _compare(MISSING, new, shape, changed, removed)
        return
    relation = before if after == "empty" else after
    if relation in {"leaf", "empty"}:
        if new is MISSING:
            removed[MEMBER] = {}
        elif old is MISSING or not _equal(old, new):
            changed[MEMBER] = {}
        return
    _compare_children(old, new, shape, changed, removed)
    if old is MISSING:
        changed[MEMBER] = {}
    elif new is MISSING:
        removed[MEMBER] = {}


def _compare_children(old: Any, new: Any, shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    olds = {step: item for step, item, _ in _children_or_none(old, shape)}
    for step, item, below in _children_or_none(new, shape):
        _into(step, olds.pop(step, MISSING), item, below, changed, removed)
    for step, item in olds.items():
        _into(step, item, MISSING, _below(step, shape), changed, removed)


def _into(step: str, old: Any, new: Any, shape: Shape, changed: FieldSet, removed: FieldSet) -> None:
    """Compare a child, and keep what was found under its step."""
    deeper_changed: FieldSet = {}
    deeper_removed: FieldSet = {}
    _compare(old, new, shape, deeper_changed, deeper_removed)
    if deeper_changed:
        changed[step] = deeper_changed
    if deeper_removed:
        removed[step] = deeper_removed


def _relation(value: Any, shape: Shape) -> str:
    if value is MISSING or value is None or value in ({}, []):
        return "empty"
    return shape.relation(value)


def _equal(first: Any, second: Any) -> bool:
    return bool(first == second) and isinstance(first, bool) is isinstance(second, bool)


def _children(value: Any, shape: Shape, relation: str) -> Iterator[tuple[str, Any, Shape]]:
    """Fields or items with their steps and shapes."""
    if relation == "map":
        for name, item in value.items():
            yield field_step(name), item, shape.child(name)
    else:
        below = shape.item()
        for step, item in _steps(value, shape):
            yield step, item, below


def _steps(items: list[Any], shape: Shape) -> Iterator[tuple[str, Any]]:
    """The items of a list; those that were stored without keys get a step that nothing else has."""
    for index, item in enumerate(items):
        try:
            yield from shape.steps([item])
        except ValueError:
            yield f"i:{index}", item


def _children_or_none(value: Any, shape: Shape) -> Iterator[tuple[str, Any, Shape]]:
    if value is not MISSING and value:
        yield from _children(value, shape, shape.relation(value))


def _below(step: str, shape: Shape) -> Shape:
    return shape.child(step[2:]) if step.startswith("f:") else shape.item()


def merge(live: Any, applied: Any, shape: Shape) -> Any:
    """What is applied, on top of what is there."""
    relation = shape.relation(applied)
    if relation == "leaf" or live is MISSING or shape.relation(live) != relation:
        return applied
    if relation == "map":
        result = dict(live)
        for name, item in applied.items():
            result[name] = merge(live.get(name, MISSING), item, shape.child(name))
        return result
    return _merge_items(live, applied, shape)


def _merge_items(live: list[Any], applied: list[Any], shape: Shape) -> list[Any]:
    """Items of both: shared ones in the order of the applied list, others where they were."""
    olds, news = dict(_steps(live, shape)), dict(shape.steps(applied))
    below = shape.item()
    old_steps, new_steps = list(olds), list(news)
    shared = [step for step in new_steps if step in olds]
    order: list[str] = []
    left = right = 0
    while left < len(old_steps) or right < len(new_steps):
        if left < len(old_steps):
            step = old_steps[left]
            if step not in news:
                order.append(step)
                left += 1
                continue
            if right < len(new_steps) and step != new_steps[right] and shared and shared[0] != step:
                left += 1  # its turn comes with the applied list
                continue
            left += step in order or (right < len(new_steps) and step == new_steps[right])
        if right < len(new_steps):
            order.append(new_steps[right])
            shared = [each for each in shared if each != new_steps[right]]
            right += 1
    return [
        merge(olds.get(step, MISSING), news[step], below) if step in news else olds[step] for step in order
    ]


def problems(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What makes a configuration unfit for apply: unknown fields, items without keys or with the same."""
    if wrong := misfit(shape.node, value):
        yield f"{path}: {wrong}"
        return
    relation = shape.relation(value)
    if relation == "map":
        for name, item in sorted(value.items()):
            if not shape.declares(name):
                yield f"{path}.{name}: field not declared in schema"
            else:
                yield from problems(item, shape.child(name), f"{path}.{name}")
    elif relation == "list":
        yield from _item_problems(value, shape, path)


def _item_problems(value: list[Any], shape: Shape, path: str) -> Iterator[str]:
    seen: set[str] = set()
    try:
        for step, item in shape.steps(value):
            text = next(fieldsets.texts({step: {MEMBER: {}}}))
            if step in seen:
                yield f"{path}: duplicate entries for key {text}"
            seen.add(step)
            yield from problems(item, shape.item(), path + text)
    except ValueError as error:
        yield f"{path}: {error}"


def remove(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """The value without the members of a set; a member takes all that is below it with it."""
    relation = shape.relation(value)
    if not fields or relation == "leaf":
        return value
    kept: list[tuple[str, Any]] = []
    for step, item, below in _children(value, shape, relation):
        gone = fields.get(step, {})
        if MEMBER not in gone:
            kept.append((step, remove(item, gone, below)))
    return {step[2:]: item for step, item in kept} if relation == "map" else [item for _, item in kept]


def with_parents(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with the named fields around its members: an empty parent goes with its last child."""
    result: FieldSet = {}
    for step, deeper in fields.items():
        if step == MEMBER:
            result[step] = deeper
            continue
        grown = with_parents(deeper, _below(step, shape))
        if step.startswith("f:") and shape.is_named(step[2:]):
            grown = fieldsets.union(grown, {MEMBER: {}})
        result[step] = grown
    return result
