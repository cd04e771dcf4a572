"""What the server keeps of an object: its encoded bytes, and the little that is looked up without decoding.

An object is encoded once for each revision; GET, LIST and every watch share those bytes. Rows never
change, so a list of rows is a snapshot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import orjson

from mlplane.local.apiserver.statuses import Body


class Collection(NamedTuple):
    """Where the objects of a kind are kept, whatever version they are asked for in."""

    group: str
    plural: str


class Key(NamedTuple):
    """Identity of an object; ``namespace`` is empty for a cluster-scoped one."""

    group: str
    plural: str
    namespace: str
    name: str

    @property
    def collection(self) -> Collection:
        """The collection that the object is in."""
        return Collection(self.group, self.plural)

    @property
    def place(self) -> str:
        """Order of lists, and where continue tokens lead: ``namespace/name``."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Row:
    """One revision of one object."""

    key: Key
    revision: int
    data: bytes
    """The whole object as JSON, ``metadata.resourceVersion`` included."""
    uid: str
    labels: Mapping[str, str]
    owners: tuple[str, ...]
    """uids of the ownerReferences."""
    deleting: bool

    def decode(self) -> Body:
        """A fresh copy of the object."""
        body: Body = orjson.loads(self.data)
        return body


_NO_LABELS: Mapping[str, str] = {}


def row_of(key: Key, revision: int, body: Body, data: bytes) -> Row:
    """The row of an object that is encoded already."""
    meta: dict[str, Any] = body["metadata"]
    return Row(
        key=key,
        revision=revision,
        data=data,
        uid=meta.get("uid", ""),
        labels=meta.get("labels") or _NO_LABELS,
        owners=tuple(owner.get("uid", "") for owner in meta.get("ownerReferences") or ()),
        deleting="deletionTimestamp" in meta,
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One committed write. For DELETED, ``row`` is the last state under the revision of the deletion."""

    type: Literal["ADDED", "MODIFIED", "DELETED"]
    row: Row
    old: Row | None

    @property
    def revision(self) -> int:
        """The revision that the write made."""
        return self.row.revision
