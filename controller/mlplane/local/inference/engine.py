"""Looks at InferenceServices when something happens to them, plans, and does what was planned.

Level-triggered: everything is worked out again from what is there, and every service is looked at again on a
timer. Nothing is kept that a restart would lose.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.refs import ref_of
from mlplane.cluster.mergepatch import change
from mlplane.cluster.port import Cluster
from mlplane.cluster.presence import is_still_there
from mlplane.errors import MlplaneError
from mlplane.local.inference.events import events_of
from mlplane.local.inference.gateway import gateway
from mlplane.local.inference.planning import Observed, Plan, plan
from mlplane.local.inference.routes import Table, backend_of, host_of, owners
from mlplane.local.inference.rules import broken_rules
from mlplane.local.inference.seen import QUERIES, RETRY_SECONDS, RUNTIME_KIND, Key, Seen, key_of
from mlplane.local.inference.status import status_of
from mlplane.local.inference.variants import canaries_of, stable_of
from mlplane.names import INFERENCE_SERVICE_KIND
from mlplane.schema.foreign import violations

_log = logging.getLogger(__name__)
MANAGER = "kserve-local"
"""Field manager of what this engine writes."""
RESYNC_SECONDS = 30.0


async def run_inference(cluster: Cluster, *, gateway_port: int) -> None:
    """Serve the InferenceServices of a cluster, until cancelled.

    Args:
        cluster: The API server.
        gateway_port: TCP port on 127.0.0.1 that predictions are asked at.
    """
    table = Table()
    async with gateway(table, gateway_port) as port, asyncio.TaskGroup() as tasks:
        engine = _Engine(cluster, table, port, tasks)
        for query in QUERIES:
            tasks.create_task(engine.seen.follow(query), name=f"watch {query.kind}")
        tasks.create_task(engine.work(), name="inference engine")
        tasks.create_task(engine.resync(), name="inference resync")


class _Engine:
    """Takes services to what was planned for them: one pass at a time for each, all side by side."""

    def __init__(self, cluster: Cluster, table: Table, port: int, tasks: asyncio.TaskGroup) -> None:
        self.seen = Seen(cluster, self._look_at)
        self._cluster = cluster
        self._table = table
        self._port = port
        self._tasks = tasks
        self._dirty: set[Key] = set()
        self._busy: set[Key] = set()
        self._wake = asyncio.Event()

    async def work(self) -> None:
        """Look at services that something happened to."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.seen.is_complete:
                for key in self._dirty - self._busy:
                    self._busy.add(key)
                    self._dirty.discard(key)
                    self._tasks.create_task(self._pass(key), name="/".join(key))

    async def resync(self) -> None:
        """Look at all services every now and then, however much happens meanwhile."""
        while True:
            await asyncio.sleep(RESYNC_SECONDS)
            self._look_at(self.seen.keys())

    def _look_at(self, keys: Iterable[Key]) -> None:
        self._dirty.update(keys)
        self._wake.set()

    async def _pass(self, key: Key) -> None:
        """Look at one service; what goes wrong with it delays no other."""
        try:
            await self._reconcile(key)
        except MlplaneError as error:
            _log.warning("InferenceService %s/%s: %s; trying again", *key, error)
            asyncio.get_running_loop().call_later(RETRY_SECONDS, self._look_at, [key])
        except Exception:  # noqa: BLE001  a defect that one spec meets must not stop the others
            _log.exception("InferenceService %s/%s: a defect of the engine", *key)
        finally:
            self._busy.discard(key)
            self._wake.set()

    async def _reconcile(self, key: Key) -> None:
        service, pods = self.seen.service(key), self.seen.pods_of(key)
        if service is None or service["metadata"].get("deletionTimestamp"):
            self._table.replace("/".join(key), {})
            await self._delete(pods)
            return
        runtimes = self.seen.runtimes()
        observed = Observed(service, runtimes, pods, tuple(_problems(service, runtimes)))
        planned = plan(observed)
        holders = owners(self.seen.services())
        # As in KServe: the Services of predictors that are in the spec no longer go, then the route changes.
        self._table.close("/".join(key), [backend for pod in planned.drop if (backend := backend_of(pod))])
        await self._delete(planned.drop)
        # Under one name the traffic moves before anything is taken away: such a rollout is free of errors.
        mine = {h: r for h, r in planned.routes.items() if holders.get(h, service) is service}
        self._table.replace("/".join(key), mine)
        if planned.create and not await is_still_there(self._cluster, service):
            return  # the watches will tell
        for pod in planned.create:
            await self._cluster.create(pod, manager=MANAGER)
        holder = holders[host_of(service)]
        # The status says who serves; it must be known before others go.
        await self._report(observed, planned, "" if holder is service else "/".join(key_of(holder)))
        await self._delete(planned.delete)

    async def _delete(self, pods: tuple[Body, ...]) -> None:
        for pod in pods:
            if not pod["metadata"].get("deletionTimestamp"):
                await self._cluster.delete(ref_of(pod), uid=pod["metadata"]["uid"])

    async def _report(self, observed: Observed, planned: Plan, host_owner: str) -> None:
        """Write the status if it says something new, and tell of what people wait for."""
        service, now = observed.service, datetime.now(UTC)
        before = service.get("status") or {}
        status = status_of(observed, planned, port=self._port, host_owner=host_owner, now=now)
        if status == before:
            return
        patch = {"status": change(before, status)}
        await self._cluster.patch(ref_of(service), patch, manager=MANAGER, subresource="status")
        for event in events_of(service, before, status, timestamp(now)):
            await self._cluster.create(event, manager=MANAGER)


def _problems(service: Body, runtimes: Mapping[str, Body]) -> list[str]:
    """What in a service or in the runtimes that it names this engine does not support."""
    found = violations(INFERENCE_SERVICE_KIND, service) or broken_rules(service)
    if found:
        return found
    named = {variant.predictor["model"]["runtime"] for variant in (stable_of(service), *canaries_of(service))}
    return [
        f"{RUNTIME_KIND} {name!r}: {text}"
        for name in sorted(named & runtimes.keys())
        for text in violations(RUNTIME_KIND, runtimes[name])
    ]
