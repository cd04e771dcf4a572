"""Holds the Lease that says which of several controllers works. Called by ``controller``.

Whoever loses it ends. What it was doing at that moment does no harm: it writes nothing more itself
(``held``), and what was under way already carries names, uids and versions that the server checks.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from mlplane.api.refs import Ref
from mlplane.cluster.port import Cluster
from mlplane.engine.lease import KIND, Sight, Terms, claim, free_at, holder_of, release, seen
from mlplane.errors import MlplaneError, Terminal, Transient
from mlplane.names import CONTROLLER_MANAGER

AS_CLIENT_GO = Terms()
RELEASE_S = 2.0
"""A server that does not answer must not hold up the end of the process."""
SAY_AGAIN_S = 60.0
"""How often to say that the server still refuses."""

log = logging.getLogger(__name__)


class Lost(Transient):
    """This process may not work any more."""


class Leadership:
    """One Lease, as seen by one process."""

    def __init__(self, cluster: Cluster, ref: Ref, me: str, terms: Terms = AS_CLIENT_GO) -> None:
        self._cluster = cluster
        self._ref = ref
        self._me = me
        self._terms = terms
        self._sight: Sight | None = None
        self._free_at = float("-inf")
        self._renewed = float("-inf")
        """When the request that last renewed the Lease was begun."""
        self._claimed = False
        """Whether the Lease may be ours by the server's word: a claim was sent, whatever came back."""
        self._refusal = ""
        self._said = ("", float("-inf"))
        """What one who waits has last said, and when."""

    def troubles(self) -> list[str]:
        """A sentence if the server refuses the Lease to this process, so that its turn would never come."""
        return [f"cannot have the Lease: {self._refusal}"] if self._refusal else []

    @contextlib.asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Within it this process surely holds the Lease; what takes longer than that is broken off.

        Raises:
            Lost: This process does not surely hold it.
            Transient: It took too long. Whether a write was carried out is not known.
        """
        self.require()
        try:
            async with asyncio.timeout(self._renewed + self._terms.deadline - time.monotonic()):
                yield
        except TimeoutError as error:
            raise Transient("a write took too long: the Lease may be somebody else's by now") from error

    def require(self) -> None:
        """Raise Lost unless this process surely still holds the Lease."""
        if time.monotonic() >= self._renewed + self._terms.deadline:
            raise Lost(f"{KIND} {self._ref.namespace}/{self._ref.name} was not renewed in time")

    async def acquire(self) -> None:
        """Wait until this process holds the Lease, for however long that takes."""
        while (why := await self._why_not()) is not None:
            self._say(why)
            left = self._free_at - time.monotonic()
            await asyncio.sleep(left if 0 < left < self._terms.retry else self._terms.retry)
        log.info("holds %s %s/%s as %s", KIND, self._ref.namespace, self._ref.name, self._me)

    async def keep(self) -> None:
        """Renew the Lease until cancelled.

        Raises:
            Lost: Somebody else holds it, or it could not be renewed in time.
        """
        while True:
            await asyncio.sleep(self._terms.retry)
            left = self._renewed + self._terms.deadline - time.monotonic()
            try:
                holder = await self._attempt_within(left)
            except (MlplaneError, TimeoutError) as error:
                log.warning("the Lease could not be renewed: %s", str(error) or "no answer in time")
            else:
                if holder is not None:
                    self._renewed = float("-inf")
                    raise Lost(f"{holder} has taken {KIND} {self._ref.namespace}/{self._ref.name}")
            self.require()

    async def give_up(self) -> None:
        """Let the next one work at once, if this process holds the Lease, or may: a reply may be lost."""
        claimed, self._claimed, self._renewed = self._claimed, False, float("-inf")
        if not claimed:
            return
        with contextlib.suppress(MlplaneError, TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                lease = await self._cluster.get(self._ref)
                if lease and holder_of(lease) == self._me:
                    await self._cluster.patch(self._ref, release(lease), manager=CONTROLLER_MANAGER)

    async def _why_not(self) -> str | None:
        """Why the Lease could not be had now; None if it was."""
        try:
            holder = await self._attempt_within(self._terms.deadline)
        except Terminal as error:
            self._refusal = str(error)
            return self._refusal
        except (Transient, TimeoutError) as error:
            return str(error) or "no answer in time"
        self._refusal = ""
        return None if holder is None else f"{holder} holds {KIND} {self._ref.namespace}/{self._ref.name}"

    def _say(self, why: str) -> None:
        """Once, if it is for time to mend; a refusal is for a person, and is said again."""
        said, at = self._said
        if why == said and not (self._refusal and time.monotonic() - at >= SAY_AGAIN_S):
            return
        self._said = (why, time.monotonic())
        log.log(logging.WARNING if self._refusal else logging.INFO, "waits for its turn: %s", why)

    async def _attempt_within(self, left: float) -> str | None:
        """An attempt of at most half of the deadline: a reply that never comes leaves time for another."""
        async with asyncio.timeout(min(left, self._terms.deadline / 2)):
            return await self._attempt()

    async def _attempt(self) -> str | None:
        """Claim or renew the Lease; None if that was done, else who holds it.

        Raises:
            Transient: Somebody else wrote it meanwhile, or the server does not answer.
            Terminal: The server refused.
        """
        began = time.monotonic()
        lease = await self._cluster.get(self._ref)
        self._sight = seen(self._sight, lease, time.monotonic())
        self._free_at = free_at(lease, self._me, self._sight, self._terms)
        if self._free_at > time.monotonic():
            return holder_of(lease)
        body = claim(self._ref, lease, self._me, datetime.now(UTC), self._terms)
        self._claimed = True
        if lease is None:
            written = await self._cluster.create(body, manager=CONTROLLER_MANAGER)
        else:
            written = await self._cluster.patch(self._ref, body, manager=CONTROLLER_MANAGER)
        if written is None:
            raise Transient(f"{self._ref} came or went while it was claimed")
        self._renewed = began
        return None
