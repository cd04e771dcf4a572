"""The only importer of kopf: whatever a watch sees becomes a wake-up of the engine, and nothing else.

Kopf does what it is good at: life cycle, connecting, watching, noticing CRDs that come and go. Its handlers
never do I/O, never raise and decide nothing, so its retries, diffs, progress and annotations stay unused.
Called by ``controller``.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from itertools import chain, repeat
from typing import Any

import kopf

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.meta import Body

Wake = Callable[[Body], None]


async def operate(
    work: Callable[[], Coroutine[Any, Any, None]], wake: Wake, *, namespace: str | None, liveness: str | None
) -> None:
    """Do ``work``, and call ``wake`` with every object that appears, changes or vanishes, until SIGTERM.

    Kopf ends every task that was begun under it when it ends; so ``work`` is begun and ended by its own
    life cycle.

    Args:
        work: Runs for ever; if it does not, this ends too.
        wake: Called with the object; must be quick.
        namespace: The one to watch; None for all.
        liveness: Where to answer liveness probes, such as ``http://0.0.0.0:8080/healthz``; None for nowhere.

    Raises:
        Exception: The work failed, or Kopf gave up, as it does when a watch is answered with 401, 404 or
            410: start the process anew.
    """
    stop = asyncio.Event()
    working: list[asyncio.Task[None]] = []
    registry = _registry(wake)

    async def begin(**_: Any) -> None:
        working.append(asyncio.create_task(work(), name="engine"))
        working[0].add_done_callback(lambda _: stop.set())

    async def end(**_: Any) -> None:
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    kopf.on.startup(registry=registry)(begin)
    kopf.on.cleanup(registry=registry)(end)
    await kopf.operator(
        registry=registry,
        settings=_settings(),
        standalone=True,
        clusterwide=namespace is None,
        namespaces=[] if namespace is None else [namespace],
        liveness_endpoint=liveness,
        stop_flag=stop,
    )
    for task in working:
        if not task.cancelled():
            task.result()


def _registry(wake: Wake) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()

    def on_event(body: Any, **_: Any) -> None:
        wake(dict(body))

    for kind in KINDS.values():
        kopf.on.event(kind.PLURAL, group=names.GROUP, version=names.VERSION, registry=registry)(on_event)
    ours = {names.OWNER_KIND_LABEL: kopf.PRESENT}
    for api_version, plural in (
        (names.WORKFLOW_API_VERSION, "workflows"),
        (names.INFERENCE_SERVICE_API_VERSION, "inferenceservices"),
    ):
        group, version = api_version.split("/")
        kopf.on.event(plural, group=group, version=version, registry=registry, labels=ours)(on_event)
    kopf.on.login(registry=registry)(_login)
    return registry


def _login(**kwargs: Any) -> Any:
    """A kubeconfig if there is one, else the pod's service account; the same order as ``cluster.access``."""
    return kopf.login_with_kubeconfig(**kwargs) or kopf.login_with_service_account(**kwargs)


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = _Backoffs()
    settings.watching.connect_timeout = 5
    settings.watching.server_timeout = 300
    # A stream without a sign of life is taken for dead; servers send a bookmark each minute.
    settings.watching.inactivity_timeout = 70
    return settings


class _Backoffs:
    """For how long Kopf waits before it tries a request again, in seconds: for ever, and never for long."""

    def __iter__(self) -> Iterator[float]:
        return chain((0.1, 0.2, 0.5, 1, 2), repeat(5))
