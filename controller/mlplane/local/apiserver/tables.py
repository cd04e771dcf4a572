"""Tables: what ``kubectl get`` asks for and prints (meta.k8s.io/v1 Table).

The HTTP layer asks ``columns_for`` once for a kind and ``table`` for every list, object and watch event.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from mlplane.local.apiserver import ages, jsonpaths
from mlplane.local.apiserver.columns import AGE, NAME, TableColumn
from mlplane.local.apiserver.printers import BUILT_IN
from mlplane.local.apiserver.statuses import Body

__all__ = ["TableColumn", "columns_for", "table"]

"""The parameter ``includeObject``: what a row carries beside its cells."""


def columns_for(crd_columns: list[Body] | None, kind: str) -> list[TableColumn]:
    """The columns of a kind.

    Args:
        crd_columns: ``additionalPrinterColumns`` of a custom resource; None for built-in kinds.
        kind: Name of the kind; built-in ones have columns of their own.
    """
    if crd_columns:
        return [NAME, *map(_custom, crd_columns)]
    if crd_columns is None and kind in BUILT_IN:
        return [NAME, *BUILT_IN[kind]] if kind != "Event" else list(BUILT_IN[kind])
    return [NAME, AGE]


def table(
    items: Iterable[Body],
    columns: Sequence[TableColumn],
    *,
    list_meta: Body,
    include_object: str,
    now: datetime,
    with_columns: bool = True,
) -> Body:
    """The Table of some objects.

    Args:
        items: Objects.
        columns: What ``columns_for`` gave for their kind.
        list_meta: Metadata of the table: resourceVersion, continue, remainingItemCount.
        include_object: ``None``, ``Object``, or anything else for ``Metadata``.
        now: What ages count from; aware of its time zone.
        with_columns: Whether to define the columns; a watch does so in its first event only.
    """
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_meta,
        "columnDefinitions": [column.definition() for column in columns] if with_columns else None,
        "rows": [
            {"cells": [column.cell(item, now) for column in columns]} | _object(item, include_object)
            for item in items
        ],
    }


def _object(item: Body, include: str) -> Body:
    if include == "None":
        return {"object": None}
    if include == "Object":
        return {"object": item}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"object": partial | {"metadata": item.get("metadata", {})}}


def _custom(column: Body) -> TableColumn:
    """A column of a CRD."""
    kind = column.get("type", "string")
    return TableColumn(
        name=column["name"],
        cell=_cell(column.get("jsonPath", ""), kind),
        type=kind,
        format=column.get("format", ""),
        description=column.get("description")
        or f"Custom resource definition column (in JSONPath format): {column.get('jsonPath', '')}",
        priority=column.get("priority", 0),
    )


def _cell(path: str, kind: str) -> Callable[[Body, datetime], Any]:
    try:
        find = jsonpaths.compile_path(path)
    except ValueError:
        return lambda _item, _now: None

    def cell(item: Body, now: datetime) -> Any:
        found = find(item)
        if not found or found[0] is None:
            return "<no value>" if found and kind == "string" else None
        return _rendered(found[0], kind, now)

    return cell


def _rendered(value: Any, kind: str, now: datetime) -> Any:
    """A value as a cell of a type; None when it has another one."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match kind:
        case "string":
            return value if isinstance(value, str) else _go_text(value)
        case "date":
            return ages.age_of(value, now) if isinstance(value, str) else None
        case "integer":
            return int(value) if is_number else None
        case "number":
            return value if is_number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case _:
            return None


def _go_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
