"""Which object owns which, by uid; kept by the collector from the changes that it sees."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any

from mlplane.local.apiserver.rows import Change, Key, Row
from mlplane.local.apiserver.statuses import Body

_KEPT_ABSENT = 1000


class Dependents:
    """Owners, and what hangs on them."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._of: dict[str, set[Key]] = defaultdict(set)
        self._keys: dict[str, Key] = {}
        self._absent: dict[str, None] = {}
        for row in rows:
            self._add(row)

    def _add(self, row: Row) -> None:
        self._keys[row.uid] = row.key
        for uid in row.owners:
            self._of[uid].add(row.key)

    def _drop(self, row: Row) -> None:
        self._keys.pop(row.uid, None)
        for uid in row.owners:
            self._of[uid].discard(row.key)
            if not self._of[uid]:
                del self._of[uid]

    def follow(self, change: Change) -> None:
        """Take a change into account."""
        if change.old is not None:
            self._drop(change.old)
        if change.type != "DELETED":
            self._add(change.row)
            return
        self._absent[change.row.uid] = None
        if len(self._absent) > _KEPT_ABSENT:
            del self._absent[next(iter(self._absent))]

    def of(self, uid: str) -> list[Key]:
        """The objects that name this owner."""
        return list(self._of.get(uid, ()))

    def owner(self, uid: str, dependent: Row) -> Key | None:
        """The owner, if it exists where an owner can be: in the same namespace, or outside of all."""
        key = self._keys.get(uid)
        return key if key is not None and key.namespace in ("", dependent.key.namespace) else None

    def is_absent(self, uid: str) -> bool:
        """Whether the object is known to have been there, and to be gone."""
        return uid in self._absent


def blocks(dependent: Body, uid: str) -> bool:
    """Whether an owner that is deleted in the foreground waits for this object."""
    references = dependent["metadata"].get("ownerReferences") or ()
    return any(each.get("uid") == uid and each.get("blockOwnerDeletion") for each in references)


def without_owners(body: Body, uids: Collection[str]) -> Body:
    """The object, set free from owners."""
    return _with_references(body, lambda each: None if each.get("uid") in uids else each)


def unblocking(body: Body) -> Body:
    """The object, with no owner waiting for it."""
    return _with_references(
        body, lambda each: each | {"blockOwnerDeletion": False} if each.get("blockOwnerDeletion") else each
    )


def _with_references(body: Body, change: Callable[[Body], Body | None]) -> Body:
    references: list[Any] = body["metadata"].get("ownerReferences") or []
    kept = [changed for each in references if (changed := change(each)) is not None]
    return {**body, "metadata": {**body["metadata"], "ownerReferences": kept}}
