"""A namespace in the mind: objects that decisions are made about, and what comes of them.

It does what an API server and its garbage collector do, as far as decisions depend on it: uids, generations,
managed fields of server-side apply, children that go with their owner. Changed in place; no I/O. Called by
``gitops.foresight``.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from mlplane import names
from mlplane.adapters.children import controller_of
from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, mappings
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.reconcilers.plan import Observed

_Place = tuple[str, str]
"""API version and kind: what a list is of."""
_APPLIED = (names.CONTROLLER_MANAGER, "Apply")
_OWNED = ("f:spec", "f:metadata")
APPLIED_AGO = timedelta(seconds=10)
"""How long ago everything here was applied: a gateway has followed, and no deadline is over (``rollout``)."""


class World:
    """Objects by reference."""

    def __init__(self, bodies: Iterable[Body], now: datetime) -> None:
        """``now`` is the present, at which everything here happens."""
        self.now = now
        self.objects: dict[Ref, Body] = {}
        """Bodies are never changed, but replaced."""
        self._news: dict[Ref | _Place, int] = {}
        self._looked: dict[Ref, tuple[int, tuple[Ref | Query, ...]]] = {}
        self._writes = 0
        for body in bodies:
            self.put(body)

    def copy(self) -> "World":
        """Another one that is the same."""
        other = World((), self.now)
        other.objects, other._writes = dict(self.objects), self._writes
        other._news, other._looked = dict(self._news), dict(self._looked)
        return other

    def has_news(self, ref: Ref) -> bool:
        """Whether an object, or what it reads, was written since it was looked at."""
        looked, read = self._looked.get(ref, (-1, ()))
        keys = (item if isinstance(item, Ref) else _place_of(item) for item in (ref, *read))
        return any(self._news.get(key, 0) > looked for key in keys)

    def look(self, ref: Ref, wanted: Iterable[Ref | Query]) -> Observed:
        """What is read for an object; it is remembered that it was, and when."""
        items = tuple(wanted)
        self._looked[ref] = (self._writes, items)
        return self.observe(items)

    def observe(self, wanted: Iterable[Ref | Query]) -> Observed:
        """Each object and each list that is wanted."""
        items = tuple(wanted)
        return Observed(
            {item: self.objects.get(item) for item in items if isinstance(item, Ref)},
            {item: self._listed(item) for item in items if isinstance(item, Query)},
        )

    def put(self, body: Body) -> None:
        """Have the object as it is here; the server's part of it is kept, or made up where there is none."""
        ref = ref_of(body)
        old = self.objects.get(ref, {})
        known = mapping(old.get("metadata"))
        made = self._writes + 1
        generation = known.get("generation") or 1
        meta = {
            "uid": f"planned-{made}",
            # In the order in which they come: the newest of two is told by it.
            "creationTimestamp": timestamp(self.now + timedelta(seconds=made)),
            "generation": generation + (bool(old) and old.get("spec") != body.get("spec")),
        }
        kept = {key: known[key] for key in ("uid", "creationTimestamp") if key in known}
        given = {k: v for k, v in body["metadata"].items() if k != "generation" or not old}
        status = body.get("status") or old.get("status")
        whole = {**body, "metadata": meta | given | kept}
        self.write(whole | ({"status": status} if status else {}))

    def write(self, body: Body) -> None:
        """Replace an object as it is."""
        ref = ref_of(body)
        self.objects[ref] = body
        self._tell(ref)

    def apply(self, body: Body) -> None:
        """Server-side apply by the controller: what it applied before and leaves out now goes."""
        found = self.objects.get(ref_of(body), {})
        entries = mappings(at(found, "metadata", "managedFields"))
        mine = next((e for e in entries if (e.get("manager"), e.get("operation")) == _APPLIED), {})
        merged: Body = _merged(_without(found, mapping(mine.get("fieldsV1")), body), body)
        entry = {
            "manager": names.CONTROLLER_MANAGER,
            "operation": "Apply",
            "time": timestamp(self.now - APPLIED_AGO),
            "fieldsV1": {key: below for key, below in _fields(body).items() if key in _OWNED},
        }
        self.put({**merged, "metadata": merged["metadata"] | {"managedFields": [entry]}})

    def remove(self, ref: Ref) -> None:
        """Delete an object, and what belongs to it."""
        gone = self.objects.pop(ref, None)
        self._tell(ref)
        uid = at(gone, "metadata", "uid")
        children = [r for r, b in self.objects.items() if uid and (controller_of(b) or {}).get("uid") == uid]
        for child in children:
            self.remove(child)

    def _tell(self, ref: Ref) -> None:
        self._writes += 1
        for key in (ref, (ref.api_version, ref.kind)):
            self._news[key] = self._writes

    def _listed(self, query: Query) -> tuple[Body, ...]:
        found = (body for ref, body in self.objects.items() if query.covers(ref))
        return tuple(body for body in found if _has_labels(body, query))


def _place_of(query: Query) -> _Place:
    return query.api_version, query.kind


def _has_labels(body: Body, query: Query) -> bool:
    labels = mapping(at(body, "metadata", "labels"))
    return all(key in labels and value in (None, labels[key]) for key, value in query.labels)


def _fields(value: object) -> Body:
    """The names in a value, as FieldsV1 has them."""
    return {f"f:{k}": _fields(v) for k, v in value.items()} if isinstance(value, dict) else {}


def _merged(found: Any, wanted: Any) -> Any:
    """What is found, with what is wanted put into it; lists are one value."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return wanted
    return found | {key: _merged(found.get(key), value) for key, value in wanted.items()}


def _without(found: Any, owned: Body, wanted: Any) -> Any:
    """What is found, without the fields that are owned (FieldsV1) and not wanted any more."""
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return found
    return {
        key: _without(value, mapping(owned.get(f"f:{key}")), wanted.get(key))
        for key, value in found.items()
        if key in wanted or f"f:{key}" not in owned
    }
