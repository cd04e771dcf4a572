"""The contract between the decisions and the engine: values in, values out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from mlplane.api.meta import Body, Status
from mlplane.api.refs import Query, Ref
from mlplane.settings import Settings


@dataclass(frozen=True)
class Observed:
    """What was read for one pass: each declared object (None where absent) and each declared list."""

    objects: Mapping[Ref, Body | None] = field(default_factory=dict)
    lists: Mapping[Query, tuple[Body, ...]] = field(default_factory=dict)

    def get(self, ref: Ref) -> Body | None:
        """The object, or None. Raises KeyError if ``refs`` did not declare it."""
        return self.objects[ref]

    def list(self, query: Query) -> tuple[Body, ...]:
        """The objects. Raises KeyError if ``refs`` did not declare the query."""
        return self.lists[query]


@dataclass(frozen=True)
class Plan:
    """What one pass does, in this order: create, apply, then write the status if it changed."""

    status: Status
    create: tuple[Body, ...] = ()
    """Objects that are written once and never changed: runs, records."""
    apply: tuple[Body, ...] = ()
    """Objects that are kept as they are here."""
    requeue_after: timedelta | None = None


class Reconciler(Protocol):
    """One module for each kind satisfies this."""

    KIND: type[Any]

    def refs(self, obj: Any, settings: Settings, /) -> tuple[Ref | Query, ...]:
        """What has to be read before deciding."""

    def plan(self, obj: Any, observed: Observed, now: datetime, settings: Settings, /) -> Plan:
        """What should exist and what the status should say."""


__all__ = ["Observed", "Plan", "Reconciler", "Settings"]
