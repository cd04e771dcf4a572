"""httpGet and tcpSocket probes of running containers, as the kubelet makes them.

A container that has never been ready is asked more often than its probe says: nothing is lost by it, and
a server counts as ready as soon as it is.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import aiohttp

from mlplane.api import Body
from mlplane.local.node import ports
from mlplane.local.nodenames import HOST_IP

EAGER_PERIOD = 0.2
"""Seconds between questions to a container that has not been ready yet."""


@dataclass
class Health:
    """What the probes of one attempt of a container say; kept up by ``watch_health``."""

    ready: bool
    started: bool
    dead: bool = False
    """The liveness (or startup) probe has failed too often: the container must be started again."""
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def stop(self) -> None:
        """Ask no more."""
        for task in self.tasks:
            task.cancel()


def watch_health(
    session: aiohttp.ClientSession, container: Body, known: ports.Ports, *, was_ready: bool
) -> Health:
    """Begin to probe a container that runs.

    Args:
        session: Makes the requests.
        container: The container; without probes it is ready at once.
        known: The pod's real ports.
        was_ready: What its status said before: a node that starts again takes nobody's readiness away.
    """
    readiness, liveness, startup = (container.get(f"{k}Probe") for k in ("readiness", "liveness", "startup"))
    health = Health(ready=readiness is None or was_ready, started=startup is None or was_ready)
    for probe, watch in ((startup, _watch_start), (readiness, _watch_readiness), (liveness, _watch_liveness)):
        if probe is not None:
            health.tasks.append(
                asyncio.create_task(watch(_probe_of(session, container, probe, known), health))
            )
    return health


def url_of(container: Body, http_get: Body, known: ports.Ports) -> str:
    """Where a probe asks: the real port that stands for the declared one."""
    port = ports.real_port(container, known, http_get["port"])
    scheme = str(http_get.get("scheme", "HTTP")).lower()
    return f"{scheme}://{HOST_IP}:{port}/{str(http_get.get('path', '/')).removeprefix('/')}"


@dataclass
class _Probe:
    """When to ask a container, and how."""

    spec: Body
    ask: Callable[[float], Awaitable[bool]]
    """Given the seconds that the answer may take."""

    @property
    def period(self) -> float:
        return float(self.spec.get("periodSeconds") or 10)

    async def begin(self) -> None:
        await asyncio.sleep(float(self.spec.get("initialDelaySeconds") or 0))

    async def succeeds(self) -> bool:
        return await self.ask(float(self.spec.get("timeoutSeconds") or 1))


def _probe_of(session: aiohttp.ClientSession, container: Body, spec: Body, known: ports.Ports) -> _Probe:
    if "tcpSocket" in spec:
        return _Probe(spec, partial(_listens, ports.real_port(container, known, spec["tcpSocket"]["port"])))
    http = spec["httpGet"]
    headers = {h["name"]: h["value"] for h in http.get("httpHeaders") or ()}
    return _Probe(spec, partial(_answers, session, url_of(container, http, known), headers))


async def _answers(session: aiohttp.ClientSession, url: str, headers: dict[str, str], seconds: float) -> bool:
    timeout = aiohttp.ClientTimeout(total=seconds)
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError, ValueError):
        async with session.get(
            url, headers=headers, timeout=timeout, allow_redirects=False, ssl=False
        ) as answer:
            return 200 <= answer.status < 400
    return False


async def _listens(port: int | None, seconds: float) -> bool:
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(HOST_IP, port)
            writer.close()
            return True
    return False


async def _watch_start(probe: _Probe, health: Health) -> None:
    await probe.begin()
    failures = 0
    while not health.started:
        health.started = await probe.succeeds()
        failures += not health.started
        if failures >= int(probe.spec.get("failureThreshold") or 3):
            health.dead = True
            return
        await asyncio.sleep(0 if health.started else probe.period)


async def _watch_readiness(probe: _Probe, health: Health) -> None:
    await probe.begin()
    streak, met = 0, health.ready
    while True:
        answer = health.started and await probe.succeeds()
        streak = 1 if answer != met else streak + 1
        met = answer
        needed = probe.spec.get("successThreshold", 1) if answer else probe.spec.get("failureThreshold", 3)
        eager = not health.ready and not met
        if streak >= int(needed):
            health.ready = answer
        await asyncio.sleep(min(EAGER_PERIOD, probe.period) if eager else probe.period)


async def _watch_liveness(probe: _Probe, health: Health) -> None:
    await probe.begin()
    failures = 0
    while True:
        if health.started:
            failures = 0 if await probe.succeeds() else failures + 1
        if failures >= int(probe.spec.get("failureThreshold") or 3):
            health.dead = True
            return
        await asyncio.sleep(probe.period if health.started else EAGER_PERIOD)
