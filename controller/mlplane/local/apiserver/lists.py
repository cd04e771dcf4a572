"""Which objects a list or a watch is about, and lists in pages.

A paged list is a snapshot: later pages show the state of the first one. Snapshots cost little, as rows are
shared, and are forgotten after a while.
"""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlplane.local.apiserver.conversion import from_stored
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.selection import parse_fields, parse_labels
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request, expired
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.views import Page

_KEPT_SNAPSHOTS = 64
_SNAPSHOT_SECONDS = 300
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter."
)
_NAMES_ONLY = re.compile(r"metadata\.(name|namespace)\s*(!=|==|=)")


@dataclass(frozen=True, slots=True)
class Selection:
    """The namespace and the selectors of a list or a watch."""

    namespace: str
    labels: Callable[[dict[str, str]], bool] | None
    fields: Callable[[Row], bool] | None

    @property
    def is_partial(self) -> bool:
        """Whether there is a selector."""
        return self.labels is not None or self.fields is not None

    def matches(self, row: Row) -> bool:
        """Whether the row is selected."""
        return (
            (not self.namespace or row.key.namespace == self.namespace)
            and (self.labels is None or self.labels(dict(row.labels)))
            and (self.fields is None or self.fields(row))
        )


def selection(resource: Resource, namespace: str, query: Mapping[str, str]) -> Selection:
    """Read the selectors of a request.

    Raises:
        ApiError: 400 for a selector that cannot be read.
    """
    labels, fields = query.get("labelSelector"), query.get("fieldSelector")
    return Selection(
        namespace,
        parse_labels(labels) if labels else None,
        _by_fields(resource, fields) if fields else None,
    )


def _by_fields(resource: Resource, text: str) -> Callable[[Row], bool]:
    matches = parse_fields(text)
    if all(_NAMES_ONLY.match(term.strip()) for term in text.split(",") if term):
        # What kubectl wait and delete ask; no object has to be decoded for it.
        return lambda row: matches({"metadata": {"name": row.key.name, "namespace": row.key.namespace}})

    def selected(row: Row) -> bool:
        body: Body = from_stored(resource, row)
        return matches(body)

    return selected


@dataclass(frozen=True, slots=True)
class _Snapshot:
    rows: list[Row]
    revision: int
    countable: bool
    since: float


class Lists:
    """Lists, and the snapshots of those that are read in pages."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[str, _Snapshot] = OrderedDict()

    def page(self, resource: Resource, selected: Selection, query: Mapping[str, str]) -> Page:
        """One page.

        Raises:
            ApiError: 400 for a bad limit or version; 410 for a token or a version that is too old; 504 for
                a version that is not there yet.
        """
        limit = _number(query, "limit")
        token = query.get("continue")
        if token:
            return self._next(token, limit)
        self._check_version(query)
        rows = self._store.rows(resource.collection, selected.namespace)
        if selected.is_partial:
            rows = [row for row in rows if selected.matches(row)]
        if not limit or len(rows) <= limit:
            return Page(rows, self._store.revision)
        snapshot = _Snapshot(rows, self._store.revision, not selected.is_partial, time.monotonic())
        return self._cut(self._keep(snapshot), snapshot, 0, limit)

    def _keep(self, snapshot: _Snapshot) -> str:
        while len(self._snapshots) >= _KEPT_SNAPSHOTS:
            self._snapshots.popitem(last=False)
        name = secrets.token_urlsafe(12)
        self._snapshots[name] = snapshot
        return name

    def _next(self, token: str, limit: int) -> Page:
        name, _, start = token.rpartition(".")
        snapshot = self._snapshots.get(name)
        if snapshot is None or not start.isdecimal() or time.monotonic() - snapshot.since > _SNAPSHOT_SECONDS:
            self._snapshots.pop(name, None)
            raise expired(_TOO_OLD)
        return self._cut(name, snapshot, int(start), limit)

    def _cut(self, name: str, snapshot: _Snapshot, start: int, limit: int) -> Page:
        end = start + limit if limit else len(snapshot.rows)
        left = len(snapshot.rows) - end
        if left <= 0:
            return Page(snapshot.rows[start:], snapshot.revision)
        remaining = left if snapshot.countable else None
        return Page(snapshot.rows[start:end], snapshot.revision, f"{name}.{end}", remaining)

    def _check_version(self, query: Mapping[str, str]) -> None:
        version = _number(query, "resourceVersion")
        if version > self._store.revision:
            message = f"Too large resource version: {version}, current: {self._store.revision}"
            raise ApiError(504, "Timeout", message)
        if query.get("resourceVersionMatch") == "Exact" and version != self._store.revision:
            raise expired(f"The resourceVersion for the provided list is too old: {version}")


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not text.isdecimal():
        raise bad_request(f'{name}: Invalid value: "{text}": must be a number')
    return int(text)
