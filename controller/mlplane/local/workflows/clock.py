"""Durations and times as Argo writes them. Pure."""

import re
from datetime import UTC, datetime, timedelta

from mlplane.api.conditions import timestamp
from mlplane.errors import Terminal

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
DURATION = re.compile(rf"\d+|(?:{_PART.pattern})+")


class NoDuration(Terminal):
    """A text that is no duration."""


def seconds_of(text: str) -> float:
    """Seconds of ``90``, ``2m`` or ``1h30m``. Raises NoDuration."""
    if not DURATION.fullmatch(text):
        message = (
            f"unable to parse {text} as a duration: allowed are seconds, such as 90, or 1h30m, 2m, 500ms"
        )
        raise NoDuration(message)
    if text.isdigit():
        return float(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def moment(text: str) -> datetime:
    """A time of a status."""
    return datetime.fromisoformat(text)


def text_at(when: datetime) -> str:
    """A time as a status has it, in whole seconds."""
    return timestamp(when.astimezone(UTC))


def later(start: str, seconds: float) -> datetime:
    """So many seconds after a time of a status."""
    return moment(start) + timedelta(seconds=seconds)


def spoken(seconds: float) -> str:
    """A wait in words, in two units at most, as Argo says it: ``1 minute 30 seconds``."""
    whole = int(seconds)
    if whole < _MINUTE:
        return _counted(whole, "second")
    if whole < _HOUR:
        return f"{_counted(whole // _MINUTE, 'minute')} {whole % _MINUTE} seconds"
    if whole < _DAY:
        return f"{_counted(whole // _HOUR, 'hour')} {whole % _HOUR // _MINUTE} minutes"
    return f"{_counted(whole // _DAY, 'day')} {whole % _DAY // _HOUR} hours"


_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
