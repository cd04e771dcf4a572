"""Which objects a list or a watch is about, and lists in pages.

All pages of a list show the state of the first one: the present rows, with what has changed since undone.
When that state is forgotten, the client gets a token with which it may go on all the same.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlplane.local.apiserver import fieldlabels
from mlplane.local.apiserver.continuing import NEWEST, Place, place_of
from mlplane.local.apiserver.conversion import from_stored
from mlplane.local.apiserver.history import History
from mlplane.local.apiserver.listoptions import EXACT, ListOptions
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.selection import parse_fields, parse_labels
from mlplane.local.apiserver.statuses import Body, bad_request, expired, too_large
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.views import Page

_TOO_OLD = "The resourceVersion for the provided list is too old."
_FORGOTTEN = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


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
        ApiError: 400 for a selector that cannot be read, or names a field that the kind does not offer.
    """
    labels, fields = query.get("labelSelector"), query.get("fieldSelector")
    return Selection(
        namespace,
        parse_labels(labels) if labels else None,
        _by_fields(resource, fields) if fields else None,
    )


def _by_fields(resource: Resource, text: str) -> Callable[[Row], bool] | None:
    terms = parse_fields(text)
    for term in terms:
        if problem := fieldlabels.problem(resource, term.label):
            raise bad_request(problem)
    # What kubectl wait and delete ask; no object has to be decoded for it.
    names_only = all(term.label in fieldlabels.NAMES for term in terms)

    def matches(row: Row) -> bool:
        body: Body = {"metadata": {"name": row.key.name, "namespace": row.key.namespace}}
        body = body if names_only else from_stored(resource, row)
        return all((fieldlabels.text_of(body, term.label) == term.value) is term.equal for term in terms)

    return matches if terms else None


class Lists:
    """Lists, now and as they were."""

    def __init__(self, store: Store, history: History) -> None:
        self._store = store
        self._history = history

    def page(self, resource: Resource, selected: Selection, options: ListOptions) -> Page:
        """One page.

        Raises:
            ApiError: 400 for a bad token or version; 410 for one that is too old; 504 for a version that is
                not there yet.
        """
        limit = 0 if options.version == "0" else options.limit
        place = self._place(options)
        revision = place.revision if place else self._wanted(options)
        rows = self._store.rows(resource.collection, selected.namespace)
        if revision in (0, NEWEST):
            revision = self._store.revision
        else:
            rows = self._history.rewound(rows, revision, resource.collection, selected.namespace)
        if place:
            rows = rows[_position(rows, place, selected, namespaced=resource.namespaced) :]
        if selected.is_partial:
            rows = [row for row in rows if selected.matches(row)]
        if not limit or len(rows) <= limit:
            return Page(rows, revision)
        last = rows[limit - 1].key
        name = last.name if selected.namespace or not resource.namespaced else f"{last.namespace}/{last.name}"
        left = None if selected.is_partial else len(rows) - limit
        return Page(rows[:limit], revision, Place.after(revision, name).token(), left)

    def _place(self, options: ListOptions) -> Place | None:
        """Where a continue token leads."""
        if not options.proceed:
            return None
        place = place_of(options.proceed)
        if options.revision:
            raise bad_request("specifying resource version is not allowed when using continue")
        if place.revision > self._store.revision:
            raise too_large(place.revision, self._store.revision)
        if place.revision != NEWEST and not self._history.covers(place.revision):
            raise expired(_FORGOTTEN, Place(NEWEST, place.start).token())
        return place

    def _wanted(self, options: ListOptions) -> int:
        """The revision that a list must be of; 0 if the present state will do."""
        revision = options.revision
        if revision > self._store.revision:
            raise too_large(revision, self._store.revision)
        if options.match != EXACT and (options.match or not options.limit):
            return 0
        if revision and not self._history.covers(revision):
            raise expired(_TOO_OLD)
        return revision


def _position(rows: Sequence[Row], place: Place, selected: Selection, *, namespaced: bool) -> int:
    """The index of the first row that a page shows."""
    within = selected.namespace or not namespaced
    start = f"{selected.namespace}/{place.start}" if within else place.start
    return bisect_left(rows, start, key=lambda row: row.key.place)
