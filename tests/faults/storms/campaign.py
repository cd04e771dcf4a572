"""One operator in one storm after the other: does the world converge, how soon, and is it quiet then?"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from faults.processes import Process, answers, apiserver, eventually
from faults.proxy import Hooks, Proxy, Request, proxied
from faults.storms.operators import kept_running, kopf_operator, mlplane
from faults.storms.table import Storm
from faults.storms.world import THING_CRD, Datasets, Things, World
from mlplane.cluster.kube import connect
from mlplane.errors import MlplaneError
from mlplane.local.bootstrap import bootstrap, objects_for
from mlplane.local.state import State
from rights import controller_kubeconfig

STORM_S = 6.0
LIMIT_S = 30.0
QUIET_S = 3.0


@dataclass
class Outcome:
    """What became of one storm."""

    operator: str
    storm: str
    converged_s: float | None
    """After the end of the storm; None if not in time."""
    left: list[str] = field(default_factory=list)
    """What was not as it should be when time was up; the first few."""
    writes_afterwards: int = 0
    """Writes in the quiet that should follow."""
    late: list[str] = field(default_factory=list)
    """What these were; the first few."""
    requests: int = 0
    """From the beginning of the storm to the convergence."""
    ended: int = 0
    """How often the process ended meanwhile."""

    @property
    def is_good(self) -> bool:
        return self.converged_s is not None and self.writes_afterwards == 0

    def to_json(self) -> dict[str, object]:
        return asdict(self) | {"good": self.is_good}


@dataclass
class Campaign:
    """An API server, an operator behind a proxy, and the world."""

    operator: str
    server: Process
    proxy: Proxy
    world: World
    process: Process
    ended: list[int]
    writes: list[str]

    def _watched(self, hooks: Hooks) -> Hooks:
        """The same hooks; writes are noted, those of the Lease apart."""

        async def before(request: Request) -> object:
            if request.is_write and not request.is_lease and not request.is_news:
                self.writes.append(str(request))
            return await hooks.before(request)

        return Hooks(before, hooks.after, hooks.event)

    async def weather(
        self, storm: Storm, number: int, *, storm_s: float = STORM_S, limit_s: float = LIMIT_S
    ) -> Outcome:
        """One storm from its beginning to the quiet after it."""
        name = f"s{number}"
        await self.world.prepare(name)
        _, left = await self._settled(60)
        assert not left, f"before the storm already: {left[:5]}"
        requests, ended = self.proxy.requests, len(self.ended)
        self.proxy.hooks = self._watched(storm.hooks())
        began = time.monotonic()
        if storm.opening == "reset":
            self.proxy.reset_all()
        if storm.opening == "kill" and self.process.running:
            self.process.running.kill()
        try:
            if storm.down_s:
                await self._die(storm.down_s, name)
            else:
                await self.world.change(name)
                await asyncio.sleep(max(0.0, began + storm_s - time.monotonic()))
        finally:
            self.proxy.hooks = self._watched(Hooks())
        converged, left = await self._settled(limit_s)
        outcome = Outcome(self.operator, storm.name, converged, left[:5])
        outcome.requests, outcome.ended = self.proxy.requests - requests, len(self.ended) - ended
        if converged is not None:
            late = await self._writes_in_the_quiet()
            outcome.writes_afterwards, outcome.late = len(late), late[:5]
        elif self.process.running:
            # Else what it is stuck in would be the beginning of the next storm.
            self.process.running.kill()
        await self.world.clear()
        return outcome

    async def _die(self, seconds: float, name: str) -> None:
        """The server goes in the middle of the changes, and comes again."""
        await self.world.change(name)
        await asyncio.to_thread(self.server.kill)
        await asyncio.sleep(seconds)
        self.server.start()
        await eventually(lambda: answers(self.world.cluster), "the API server answers")

    async def _settled(self, seconds: float) -> tuple[float | None, list[str]]:
        """How long it took until nothing was unfinished; what was when time was up."""
        began, left = time.monotonic(), ["nothing could be read"]
        while time.monotonic() - began < seconds:
            with contextlib.suppress(MlplaneError):
                if not (left := await self.world.unfinished()):
                    return round(time.monotonic() - began, 1), []
            await asyncio.sleep(0.1)
        return None, left

    async def _writes_in_the_quiet(self) -> list[str]:
        before = len(self.writes)
        await asyncio.sleep(QUIET_S)
        return self.writes[before:]


@asynccontextmanager
async def campaign(operator: str, folder: Path) -> AsyncIterator[Campaign]:
    """Everything at work, and well."""
    state = State.create(folder / operator)
    server = apiserver(state)
    async with AsyncExitStack() as stack:
        server.start()
        stack.callback(server.stop)
        cluster = await stack.enter_async_context(connect(state.kubeconfig))
        await eventually(lambda: answers(cluster), "the API server answers")
        await bootstrap(cluster, objects_for("default", "", ()), while_=lambda: None)
        await cluster.apply(THING_CRD, manager="storms")
        mine = operator == "mlplane"
        kubeconfig = await controller_kubeconfig(cluster, state) if mine else state.kubeconfig
        proxy = await stack.enter_async_context(proxied(kubeconfig, folder / f"{operator}.kubeconfig"))
        process = (mlplane if mine else kopf_operator)(proxy.kubeconfig, state.log(operator))
        world = World(cluster, Datasets() if mine else Things())
        synced = asyncio.Event()
        following = asyncio.create_task(world.follow(synced.set))
        stack.callback(following.cancel)
        await synced.wait()
        ended = await stack.enter_async_context(kept_running(process))
        yield Campaign(operator, server, proxy, world, process, ended, [])
