"""The engine: whatever changes, the objects it matters to are brought one step closer to their spec.

``handlers`` wakes it with each object that a watch has seen; who sees what first does not matter, since every
pass reads everything anew. All objects are also looked at every few minutes, seen by a watch or not.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from mlplane import names
from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.cluster.presence import is_still_there
from mlplane.engine.act import Guard, act, unguarded
from mlplane.engine.commit import commit
from mlplane.engine.interests import Interests
from mlplane.engine.observe import observe
from mlplane.engine.trouble import described, is_trouble, troubled
from mlplane.engine.workqueue import WorkQueue
from mlplane.errors import MlplaneError, Terminal
from mlplane.reconcilers.plan import Plan, Reconciler, Settings

RESYNC = timedelta(minutes=5)

MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""What a decision raises when a stored object is not what its kind says (ValidationError is a ValueError)."""

Told = Callable[[Body, Body], None]
"""Called with an object as it was read, and the status that it has got."""

log = logging.getLogger(__name__)


def utc_now() -> datetime:
    """The time, to the second, as Kubernetes writes it."""
    return datetime.now(UTC).replace(microsecond=0)


class Engine:
    """The reconcilers at work on one cluster."""

    def __init__(
        self,
        cluster: Cluster,
        reconcilers: Iterable[Reconciler],
        settings: Settings,
        *,
        namespace: str | None = None,
        clock: Callable[[], datetime] = utc_now,
        resync: timedelta = RESYNC,
        guard: Guard = unguarded,
    ) -> None:
        """``namespace`` limits the periodic look at all objects; ``guard`` is around each write."""
        self._cluster = cluster
        self._settings = settings
        self._namespace = namespace
        self._clock = clock
        self._resync = resync
        self._guard = guard
        self._reconcilers = {(_api_version(r), r.KIND.__name__): r for r in reconcilers}
        self._interests = Interests(self._reconcilers.keys())
        self._queue: WorkQueue[Ref] = WorkQueue(self.reconcile)
        self._told: Told = lambda _before, _status: None

    def listen(self, told: Told) -> None:
        """Have ``told`` called for each status that was written; it does no I/O and does not fail."""
        self._told = told

    def wake(self, body: Body) -> None:
        """An object appeared, changed or vanished: look at those that it matters to. Does no I/O."""
        for key in self._interests.woken_by(body):
            self._queue.wake(key)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(), name="work queue")
            group.create_task(self._look_at_all(), name="resync")

    async def reconcile(self, key: Ref) -> timedelta | None:
        """Bring one object one step closer to its spec; when to look again, if nothing wakes it before.

        Raises:
            Transient: Nothing was concluded, or it could not be written: to be tried again.
            Terminal: The server refused something. The object says so, as far as it takes even that; to be
                tried again, too, for a quota, a webhook or a right may change.
        """
        body = await self._cluster.get(key)
        if body is None or body["metadata"].get("deletionTimestamp"):
            self._interests.forget(key)
            return None
        try:
            plan = await self._plan(key, body)
            if (plan.create or plan.apply) and not await is_still_there(self._cluster, body):
                return None
            await act(self._cluster, plan, self._guard)
        except MALFORMED as error:
            # The log says where in the code it was; of a ValidationError it would only repeat values.
            if not isinstance(error, ValidationError):
                log.warning("%s: what was read for it cannot be understood", key, exc_info=True)
            await self._report(body, names.INVALID_OBJECT, described(error))
            return None
        except Terminal as error:
            await self._report(body, names.API_ERROR, str(error))
            raise
        await self._conclude(body, plan.status.to_body())
        return plan.requeue_after

    async def _plan(self, key: Ref, body: Body) -> Plan:
        reconciler = self._reconcilers[key.api_version, key.kind]
        obj: Any = reconciler.KIND.model_validate(body)
        wanted = reconciler.refs(obj, self._settings)
        self._interests.register(key, wanted)
        observed = await observe(self._cluster, wanted)
        return reconciler.plan(obj, observed, self._clock(), self._settings)

    async def _report(self, body: Body, reason: str, message: str) -> None:
        """Say in the status why nothing could be done; the facts in it stay as they were read."""
        if await self._conclude(body, troubled(body, reason, message, self._clock())):
            log.warning("%s: %s: %s", ref_of(body), reason, message)

    async def _conclude(self, body: Body, status: Body) -> bool:
        try:
            async with self._guard():
                is_written = await commit(self._cluster, body, status)
        except Terminal as error:
            if not is_trouble(status):
                await self._report(body, names.API_ERROR, str(error))
            raise
        if is_written:
            self._told(body, status)
        return is_written

    async def _look_at_all(self) -> None:
        """Wake every object now and then, spread in time: a lost event delays, and never loses."""
        period = self._resync.total_seconds()
        while True:
            await asyncio.sleep(period * random.uniform(0.9, 1.1))  # noqa: S311
            for api_version, kind in self._reconcilers:
                try:
                    bodies = await self._cluster.list(Query(api_version, kind, self._namespace))
                except MlplaneError as error:
                    log.warning("looking at all objects of kind %s: %s", kind, error)
                    continue
                for body in bodies:
                    self._queue.wake(ref_of(body), after=random.uniform(0, period / 10))  # noqa: S311


def _api_version(reconciler: Reconciler) -> str:
    default: str = reconciler.KIND.model_fields["api_version"].default
    return default
