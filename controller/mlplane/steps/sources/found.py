"""What a source consists of, before it is read; and what every kind of source is given to find it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlplane.steps.sources.policy import Policy

MAX_FILES = 100_000
"""Files of one source; more belong into an archive."""


class Found(NamedTuple):
    """A file of a source."""

    path: str
    """Relative to what the source names, as the source writes it; of a single file, its base name."""
    size: int | None
    """Bytes that the source announces; None if it does not say."""
    read: Callable[[], Iterator[bytes]]
    """Its bytes in pieces, from the start each time."""


@dataclass(frozen=True)
class Access:
    """How a source is read."""

    policy: Policy
    secrets: Mapping[str, str]
    """The values of the source's Secret, by key."""
    work: Path
    """A folder for what is needed meanwhile."""
    max_bytes: int
