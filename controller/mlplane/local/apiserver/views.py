"""How objects are shown: whole, as rows of a Table, or as metadata alone; picked by the Accept header."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from mlplane.local.apiserver.conversion import from_stored, shown
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request, not_acceptable
from mlplane.local.apiserver.tables import TableColumn, columns_for, table

_Shape = Literal["object", "table", "metadata"]
_JSON_TYPES = ("application/json", "*/*", "application/*")
_YAML_TYPES = ("application/yaml", "text/yaml")
_SHAPES: dict[str, _Shape] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list, the revision they are of, and how to go on."""

    rows: Sequence[Row]
    revision: int
    proceed: str = ""
    """Continue token."""
    remaining: int | None = None

    def metadata(self, *, custom: bool = False) -> dict[str, Any]:
        """ListMeta; lists of whole custom resources tell even that there is no next page."""
        meta: dict[str, Any] = {"resourceVersion": str(self.revision)}
        if self.proceed or custom:
            meta["continue"] = self.proceed
        if self.remaining:
            meta["remainingItemCount"] = self.remaining
        return meta


@dataclass(frozen=True, slots=True)
class View:
    """What a client wants to see."""

    shape: _Shape = "object"
    include: str = "Metadata"
    """What table rows carry: None, Metadata or Object."""
    yaml: bool = False
    of: str = ""
    """What the client called it: Table, PartialObjectMetadata, PartialObjectMetadataList."""

    def check(self, resource: Resource, *, listing: bool) -> None:
        """Refuse a form that does not fit what is shown.

        Raises:
            ApiError: 400, 406 or (as the real server has it) 500.
        """
        if self.shape == "table" and self.include not in ("None", "Metadata", "Object"):
            raise bad_request(
                f'Unable to convert to Table as requested: includeObject: Invalid value: "{self.include}": '
                "must be 'Metadata', 'Object', 'None', or empty"
            )
        if self.shape != "metadata" or self.of.endswith("List") is listing:
            return
        kind = "*unstructured.Unstructured" if resource.custom else f"*v1.{resource.kind}"
        if listing:
            raise not_acceptable(f"you requested {self.of}, but the requested object is a list ({kind}List)")
        if resource.custom:
            raise ApiError(500, "", "content is not a list")
        raise not_acceptable(f"you requested {self.of}, but the requested object is not a list ({kind})")

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
        custom = resource.custom and self.shape == "object"
        if self.shape == "metadata":
            head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        opening = orjson.dumps({**head, "metadata": page.metadata(custom=custom)})[:-1]
        if self.shape == "metadata" and not page.rows:
            return opening + b',"items":null}'  # as the real server has it
        rows = (self.row(resource, row) for row in page.rows)
        if self.shape == "object" and not resource.custom:
            rows = (_unnamed(resource, data) for data in rows)
        return b"".join((opening, b',"items":[', b",".join(rows), b"]}"))

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
        body: Body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        if self.shape == "table":
            # A row that is no object: its metadata is what a client looks at.
            meta = {"resourceVersion": str(revision)}
            return orjson.dumps(self._table(resource, [body], meta, with_columns=False))
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


def _unnamed(resource: Resource, data: bytes) -> bytes:
    """An item of a list of built-in kinds: it does not repeat its apiVersion and kind."""
    opening = f'{{"apiVersion":"{resource.api_version}","kind":"{resource.kind}",'.encode()
    if data.startswith(opening):
        return b"{" + data[len(opening) :]
    body = orjson.loads(data)
    return orjson.dumps({key: value for key, value in body.items() if key not in ("apiVersion", "kind")})


def _columns(resource: Resource) -> list[TableColumn]:
    return columns_for((resource.columns or []) if resource.custom else None, resource.kind)


def _metadata_only(body: Body) -> Body:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": body["metadata"]}


@lru_cache
def view_for(accept: str, include: str) -> View:
    """The first form in an Accept header that the server has; JSON if there is no header.

    Args:
        accept: The header.
        include: The parameter ``includeObject``.

    Raises:
        ApiError: 406 if there is none.
    """
    for wish in (accept or "*/*").replace(" ", "").split(","):
        kind, *parameters = wish.split(";")
        wanted = dict(each.partition("=")[::2] for each in parameters)
        if kind not in _JSON_TYPES and kind not in _YAML_TYPES:
            continue
        shape = _SHAPES.get(wanted.get("as", ""))
        if shape == "object" or (shape and _is_meta(wanted)):
            return View(shape, include or "Metadata", yaml=kind in _YAML_TYPES, of=wanted.get("as", ""))
    raise not_acceptable()


def _is_meta(wanted: dict[str, str]) -> bool:
    return wanted.get("g") == "meta.k8s.io" and wanted.get("v") in ("v1", "v1beta1")
