"""Whether promotions are frozen at a moment. Pure: the moment is an argument."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from mlplane.api.promotion import Freeze
from mlplane.data.duetimes import latest_due


class Frozen(NamedTuple):
    """A freeze that is in force."""

    name: str
    until: datetime
    """In UTC."""


def frozen_at(freezes: Iterable[Freeze], moment: datetime) -> Frozen | None:
    """The freeze that lasts longest of those in force at the moment; None where nothing is frozen.

    Hours are hours that pass: the night in which clocks are set makes a freeze neither longer nor shorter.
    """
    ends = [Frozen(freeze.name, end) for freeze in freezes if (end := _end(freeze, moment))]
    return max(ends, key=lambda frozen: frozen.until, default=None)


def _end(freeze: Freeze, moment: datetime) -> datetime | None:
    """When the freeze that is in force is over; None if it is not in force."""
    zone = ZoneInfo(freeze.time_zone)
    if freeze.schedule and freeze.hours:
        length = timedelta(hours=freeze.hours)
        # A begin before this has no end after the moment.
        begin = latest_due(freeze.schedule, moment - length, moment.astimezone(zone))
        return begin.astimezone(UTC) + length if begin else None
    since, until = (
        datetime.fromisoformat(t).replace(tzinfo=zone) if t else moment for t in (freeze.since, freeze.until)
    )
    return until.astimezone(UTC) if since <= moment < until else None
