"""Looks at all objects now and then, so that no lost event is lost for good, and says when a watch is stale.

What a watch has not told is woken at the first look; so even with all watches dead an object is looked at
within seconds. Lists hold metadata only, and nothing is written. Called by ``controller``; ``endpoint`` asks
for ``troubles``.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.engine.freshness import Missing, Told
from mlplane.errors import MlplaneError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Times in seconds."""

    period: float = 10.0
    """Between two looks."""
    second: float = 3.0
    """Between two looks where something is missing."""
    patience: float = 8.0
    """For how long a watch that misses something may say nothing before watches are begun anew.

    One that still tells of other objects is catching up: a first list of thousands takes a while.
    """
    longest: float = 60.0
    """For how long a watch may miss something before watches are begun anew, whatever else it tells."""

    def is_up(self, since: float, *, heard: float, begun: float, now: float) -> bool:
        """Whether watches are to be begun anew for what one has missed. Times are on one monotonic clock.

        Args:
            since: When it was first missed.
            heard: When that watch last told of anything.
            begun: When watches were last begun anew.
            now: The present.
        """
        silent = now - max(since, heard, begun) > self.patience
        return silent or now - max(since, begun) > self.longest


UNHURRIED = Pace()


class Looks:
    """The watched kinds, and what of them is stale."""

    def __init__(
        self,
        cluster: Cluster,
        watched: Iterable[Query],
        wake: Callable[[Body], None],
        begin_anew: Callable[[], None],
        pace: Pace = UNHURRIED,
    ) -> None:
        """``begin_anew`` is called when a watch has missed something for a while: watches then list again."""
        self._pace = pace
        self._cluster = cluster
        self._told = {query: Told() for query in watched}
        self._missed: dict[Query, dict[Ref, Missing]] = {}
        self._wake = wake
        self._begin_anew = begin_anew
        self._begun = time.monotonic()
        self._heard: dict[Query, float] = {}

    def tell(self, body: Body, *, gone: bool) -> None:
        """A watch tells of an object."""
        ref, version = ref_of(body), text(at(body, "metadata", "resourceVersion"))
        for query, told in self._told.items():
            if query.covers(ref):
                self._heard[query] = time.monotonic()
                told.tell(ref, version, gone=gone)

    def troubles(self) -> list[str]:
        """A sentence for each kind whose watch is stale."""
        return [_sentence(query, missed) for query, missed in self._missed.items() if missed]

    async def run(self) -> None:
        """Look until cancelled."""
        async with asyncio.TaskGroup() as group:
            for query in self._told:
                group.create_task(self._look_at(query), name=f"looks at {query.kind}")

    async def _look_at(self, query: Query) -> None:
        pause = self._pace.period * random.random()  # noqa: S311 - spreads the lists in time
        while True:
            await asyncio.sleep(pause)
            try:
                missing = await self._look(query)
            except MlplaneError as error:
                # Nothing is known now; and to begin anew would not help either.
                log.info("looking at all objects of kind %s: %s", query.kind, error)
                missing = {}
            pause = self._pace.second if missing else self._pace.period

    async def _look(self, query: Query) -> dict[Ref, Missing]:
        listed = await self._cluster.versions(query)
        now = time.monotonic()
        missing = self._told[query].look(listed, now)
        missed = {ref: one for ref, one in missing.items() if one.since < now}
        self._note(query, missed)
        for ref in missing:
            self._wake(_stub(ref))
        heard, begun = self._heard.get(query, self._begun), self._begun
        if any(self._pace.is_up(m.since, heard=heard, begun=begun, now=now) for m in missed.values()):
            self._begun = now
            self._begin_anew()
        return missing

    def _note(self, query: Query, missed: dict[Ref, Missing]) -> None:
        was, self._missed[query] = self._missed.get(query), missed
        if missed and not was:
            log.warning(_sentence(query, missed))
        elif was and not missed:
            log.info("the watch of %s has caught up", query.kind)


def _stub(ref: Ref) -> Body:
    """Enough of an object to wake those that it matters to."""
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}


def _sentence(query: Query, missed: dict[Ref, Missing]) -> str:
    ref, first = min(missed.items(), key=lambda item: item[1].since)
    since = datetime.now(UTC) - timedelta(seconds=time.monotonic() - first.since)
    lacks = (
        "has not told that it is gone" if first.version is None else f"tells {first.told or 'nothing'} of it"
    )
    more = f", and of {len(missed) - 1} more" if len(missed) > 1 else ""
    return (
        f"the watch of {query.kind} is stale since {since:%Y-%m-%dT%H:%M:%SZ}: "
        f"{ref.namespace}/{ref.name} has version {first.version or 'none'}, the watch {lacks}{more}"
    )
