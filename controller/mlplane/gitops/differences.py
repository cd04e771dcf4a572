"""Which objects differ between two sides, and in which fields. Pure; called by ``gitops.planning``.

Lists that Kubernetes keeps by key are compared by key: moving an item, or adding one in front, changes no
other. All other lists are one value, as they are for an API server. No library for differences knows
``x-kubernetes-list-map-keys``; once those are maps, what is left to do is this recursion.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.planned import FieldChange, ObjectChange
from mlplane.api.reading import at, mapping
from mlplane.api.refs import Ref
from mlplane.schema.crds import structural_schema
from mlplane.structural.celrules import Rules, compile_rules

Objects = Mapping[Ref, Body]
_ABSENT: Any = object()
_OURS = (names.COMMIT_ANNOTATION, names.SOURCE_LABEL)
"""What the agent writes on each object; no part of a manifest."""


def differences(before: Objects, after: Objects) -> tuple[ObjectChange, ...]:
    """What would be created, changed, refused and deleted, by kind and name.

    Args:
        before: The objects of one side.
        after: Of the other, valid each by itself.
    """
    every = sorted({*before, *after}, key=lambda ref: ([*KINDS].index(ref.kind), ref.name))
    found = (_difference(ref, before.get(ref), after.get(ref)) for ref in every)
    return tuple(change for change in found if change)


def _difference(ref: Ref, old: Body | None, new: Body | None) -> ObjectChange | None:
    if old is None or new is None:
        return ObjectChange(action="Created" if new else "Deleted", kind=ref.kind, name=ref.name)
    fields = field_changes(ref.kind, old, new)
    if not fields:
        return None
    problem = refusal(ref.kind, old, new)
    action = "Refused" if problem else "Changed"
    return ObjectChange(action=action, kind=ref.kind, name=ref.name, fields=fields, problem=problem)


def field_changes(kind: str, old: Body, new: Body) -> tuple[FieldChange, ...]:
    """The fields in which two versions of an object differ, as far as a manifest says them."""
    schema = structure(kind)
    return tuple(_changes(_manifest(old), _manifest(new), schema, ""))


def child_changes(old: Body, new: Body) -> tuple[FieldChange, ...]:
    """The fields of the spec in which two versions of an object of another system differ."""
    return tuple(_changes(old["spec"], new["spec"], {}, "spec"))


def refusal(kind: str, old: Body, new: Body) -> str:
    """What the API server's rules for changes say against one; empty if nothing."""
    wanted, present = ({k: v for k, v in body.items() if k != "status"} for body in (new, old))
    found = [cause.detail for cause in _rules(kind).check(wanted, present)]
    return "; ".join(dict.fromkeys(found))


def _manifest(body: Body) -> Body:
    """The part of an object that a person writes."""
    meta = mapping(body.get("metadata"))
    kept = {
        key: {k: v for k, v in mapping(meta.get(key)).items() if k not in _OURS}
        for key in ("labels", "annotations")
    }
    return {"metadata": {k: v for k, v in kept.items() if v}, "spec": body.get("spec")}


def _changes(old: Any, new: Any, schema: Body, path: str) -> Iterator[FieldChange]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys([*old, *new]):
            below = at(schema, "properties", name) or schema.get("additionalProperties") or {}
            values = old.get(name, _ABSENT), new.get(name, _ABSENT)
            yield from _changes(*values, mapping(below), f"{path}.{name}" if path else name)
    elif (keys := schema.get("x-kubernetes-list-map-keys")) and old is not _ABSENT and new is not _ABSENT:
        olds, news = _by_key(old, keys), _by_key(new, keys)
        for key in dict.fromkeys([*olds, *news]):
            values = olds.get(key, _ABSENT), news.get(key, _ABSENT)
            yield from _changes(*values, schema.get("items", {}), f"{path}[{key}]")
    elif old != new:
        sides = {name: value for name, value in (("old", old), ("new", new)) if value is not _ABSENT}
        yield FieldChange(path=path, **sides)


def _by_key(items: Iterable[Body], keys: Iterable[str]) -> dict[str, Body]:
    return {",".join(str(item.get(key, "")) for key in keys): item for item in items}


@functools.cache
def structure(kind: str) -> Body:
    """The structural schema of a kind."""
    return structural_schema(KINDS[kind])


@functools.cache
def _rules(kind: str) -> Rules:
    return compile_rules(structure(kind))
