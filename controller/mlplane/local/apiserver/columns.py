"""A column of a table, and the two that every kind has; for ``tables`` and ``printers``."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlplane.local.apiserver import ages
from mlplane.local.apiserver.statuses import Body

Cell = Callable[[Body, datetime], Any]
"""From an object, and the present time, to what a column shows of it."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its definition, and how a cell comes from an object."""

    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    """0 is always shown, 1 only with ``-o wide``."""

    def definition(self) -> Body:
        """The entry of ``columnDefinitions``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def at(*path: str, default: Any = None) -> Cell:
    """A cell that shows the value at a path."""

    def cell(item: Body, _now: datetime) -> Any:
        value: Any = item
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return default if value is None or value == "" else value

    return cell


def age(*path: str) -> Cell:
    """A cell that shows how long ago the time at a path was."""
    find = at(*path)
    return lambda item, now: ages.age_of(find(item, now), now)


NAME = TableColumn(
    "Name",
    at("metadata", "name", default=""),
    format="name",
    description="Name must be unique within a namespace. Cannot be updated.",
)
AGE = TableColumn(
    "Age",
    age("metadata", "creationTimestamp"),
    type="date",
    description="When the object was created, as the time that has passed since.",
)
