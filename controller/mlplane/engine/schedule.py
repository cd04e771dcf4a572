"""Which key is worked on next, and when: a queue that holds each key once. Pure: time is an argument.

What controller-runtime calls a rate-limiting work queue. A key that is added while it is worked on comes
again afterwards; so no change is missed and no key is ever worked on twice at once. Used by ``workqueue``.
"""

import heapq
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Backoff:
    """How long to wait after failures in a row, in seconds."""

    first: float = 0.1
    last: float = 15.0

    def delay(self, failures: int, chance: float) -> float:
        """The wait after so many failures; ``chance`` in [0, 1) spreads keys over its upper half."""
        # The exponent is limited because a float overflows long before a patient key gives up.
        full = min(self.last, self.first * 2.0 ** min(failures - 1, 32))
        return full * (0.5 + chance / 2)


@dataclass
class Schedule(Generic[K]):
    """Keys with the time that each is due."""

    chance: Callable[[], float]
    """Random numbers in [0, 1)."""
    backoff: Backoff = Backoff()
    _due: dict[K, float] = field(default_factory=dict)
    _heap: list[tuple[float, int, K]] = field(default_factory=list)
    _busy: set[K] = field(default_factory=set)
    _failures: dict[K, int] = field(default_factory=dict)
    _order: Iterator[int] = field(default_factory=count)

    def add(self, key: K, at: float) -> None:
        """Have the key worked on at a time, or earlier if that was wanted already."""
        if key in self._due and self._due[key] <= at:
            return
        self._due[key] = at
        if key not in self._busy:
            heapq.heappush(self._heap, (at, next(self._order), key))

    def take(self, now: float) -> K | None:
        """The key that has been due for longest, to be worked on; None if none is due."""
        if (at := self.next_at()) is None or at > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        self._busy.add(key)
        return key

    def next_at(self) -> float | None:
        """When the next key is due; None if there is none that is not being worked on."""
        while self._heap and not self._is_current(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def succeeded(self, key: K, again_at: float | None = None) -> None:
        """The work on a key is over; look at it again at a time."""
        self._failures.pop(key, None)
        self._free(key, again_at)

    def failed(self, key: K, now: float) -> float:
        """The work on a key failed; the seconds until it is tried again."""
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = self.backoff.delay(self._failures[key], self.chance())
        self._free(key, now + delay)
        return delay

    def _free(self, key: K, again_at: float | None) -> None:
        self._busy.discard(key)
        wanted = [at for at in (self._due.pop(key, None), again_at) if at is not None]
        if wanted:
            self.add(key, min(wanted))

    def _is_current(self, at: float, _order: int, key: K) -> bool:
        return key not in self._busy and self._due.get(key) == at
