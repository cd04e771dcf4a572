"""How objects are shown: whole, as rows of a Table, or as metadata alone; picked by the Accept header."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson

from mlplane.local.apiserver.conversion import from_stored, shown
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.tables import TableColumn, columns_for, table


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, the revision they are of, and how to go on."""

    rows: Sequence[Row]
    revision: int
    proceed: str = ""
    """Continue token."""
    remaining: int | None = None

    def metadata(self) -> dict[str, Any]:
        """ListMeta."""
        meta: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.proceed:
            meta["continue"] = self.proceed
        if self.remaining:
            meta["remainingItemCount"] = self.remaining
        return meta


@dataclass(frozen=True, slots=True)
class View:
    """What a client wants to see."""

    shape: Literal["object", "table", "metadata"] = "object"
    include: str = "Metadata"
    """What table rows carry: None, Metadata or Object."""
    yaml: bool = False

    def one(self, resource: Resource, body: Body) -> bytes:
        """One object."""
        if self.shape == "object":
            return orjson.dumps(body)
        if self.shape == "metadata":
            return orjson.dumps(_metadata_only(body))
        meta = {"resourceVersion": body["metadata"].get("resourceVersion", "")}
        return orjson.dumps(self._table(resource, [body], meta, with_columns=True))

    def row(self, resource: Resource, row: Row) -> bytes:
        """One stored object; its own bytes if it is wanted whole."""
        if self.shape == "object":
            return shown(resource, row)
        return self.one(resource, from_stored(resource, row))

    def many(self, resource: Resource, page: Page) -> bytes:
        """A list."""
        if self.shape == "table":
            items = [from_stored(resource, row) for row in page.rows]
            return orjson.dumps(self._table(resource, items, page.metadata(), with_columns=True))
        head: Body = {
            "kind": resource.list_kind or f"{resource.kind}List",
            "apiVersion": resource.api_version,
        }
        if self.shape == "metadata":
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        opening = orjson.dumps({**head, "metadata": page.metadata()})[:-1]
        return b"".join((opening, b',"items":[', b",".join(self.row(resource, r) for r in page.rows), b"]}"))

    def watched(self, resource: Resource, row: Row, *, first: bool) -> bytes:
        """An object in a watch; the first event of a table tells the columns."""
        if self.shape != "table":
            return self.row(resource, row)
        meta = {"resourceVersion": str(row.revision)}
        return orjson.dumps(self._table(resource, [from_stored(resource, row)], meta, with_columns=first))

    def bookmark(self, resource: Resource, revision: int, *, initial_end: bool) -> bytes:
        """The object of a BOOKMARK."""
        meta: Body = {"resourceVersion": str(revision)}
        if initial_end:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        if self.shape == "table":
            return orjson.dumps(self._table(resource, [], meta, with_columns=False))
        body: Body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        return orjson.dumps(_metadata_only(body) if self.shape == "metadata" else body)

    def _table(self, resource: Resource, items: list[Body], meta: Body, *, with_columns: bool) -> Body:
        return table(
            items,
            _columns(resource),
            list_meta=meta,
            include_object=self.include,
            now=datetime.now(UTC),
            with_columns=with_columns,
        )


def _columns(resource: Resource) -> list[TableColumn]:
    return columns_for((resource.columns or []) if resource.custom else None, resource.kind)


def _metadata_only(body: Body) -> Body:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


def view_for(accept: str, include: str) -> View:
    """The first form in an Accept header that the server has; JSON if there is none.

    Args:
        accept: The header.
        include: The parameter ``includeObject``.
    """
    for wish in accept.replace(" ", "").split(","):
        kind, *parameters = wish.split(";")
        wanted = dict(each.partition("=")[::2] for each in parameters)
        if kind in ("application/yaml", "text/yaml"):
            return View(yaml=True)
        if kind not in ("application/json", "*/*", "application/*"):
            continue
        shape = wanted.get("as", "")
        if shape == "Table":
            return View("table", include or "Metadata")
        if shape in ("PartialObjectMetadata", "PartialObjectMetadataList"):
            return View("metadata")
        if not shape:
            return View()
    return View()
