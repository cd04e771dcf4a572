"""Which objects want another look when some object changes: those that read it last time, and its owner.

Pure bookkeeping. ``loop`` registers what a pass is about to read before it reads it, so that a change that
comes in between wakes the object again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from mlplane.api.meta import Body
from mlplane.api.reading import at, mappings, text
from mlplane.api.refs import Query, Ref, ref_of

_Place = tuple[str, str, str | None]
"""API version, kind and namespace of a query."""


class Interests:
    """Who reads what."""

    def __init__(self, kinds: Collection[tuple[str, str]]) -> None:
        """``kinds`` are the (apiVersion, kind) of objects that are woken as owners or for themselves."""
        self._kinds = frozenset(kinds)
        self._wanted: dict[Ref, tuple[Ref | Query, ...]] = {}
        self._by_ref: defaultdict[Ref, set[Ref]] = defaultdict(set)
        self._by_place: defaultdict[_Place, set[Ref]] = defaultdict(set)

    def register(self, key: Ref, wanted: Iterable[Ref | Query]) -> None:
        """The object reads these, and no others any more."""
        self.forget(key)
        self._wanted[key] = tuple(wanted)
        for item in self._wanted[key]:
            self._readers(item).add(key)

    def forget(self, key: Ref) -> None:
        """The object is gone."""
        for item in self._wanted.pop(key, ()):
            readers = self._readers(item)
            readers.discard(key)
            if not readers:
                self._by_ref.pop(item, None) if isinstance(item, Ref) else self._by_place.pop(
                    _place(item), None
                )

    def woken_by(self, body: Body) -> set[Ref]:
        """The objects that want another look because this one appeared, changed or vanished."""
        ref = ref_of(body)
        woken = set(self._by_ref.get(ref, ()))
        for namespace in (ref.namespace, None):
            woken |= self._by_place.get((ref.api_version, ref.kind, namespace), set())
        if (ref.api_version, ref.kind) in self._kinds:
            woken.add(ref)
        return woken | self._owners(body, ref.namespace)

    def _readers(self, item: Ref | Query) -> set[Ref]:
        return self._by_ref[item] if isinstance(item, Ref) else self._by_place[_place(item)]

    def _owners(self, body: Body, namespace: str) -> set[Ref]:
        return {
            Ref(r["apiVersion"], r["kind"], namespace, text(r.get("name")))
            for r in mappings(at(body, "metadata", "ownerReferences"))
            if r.get("controller") and (r.get("apiVersion"), r.get("kind")) in self._kinds
        }


def _place(query: Query) -> _Place:
    return query.api_version, query.kind, query.namespace
