"""The only importer of kopf: tells of whatever its watches see, and nothing else.

Kopf does what it is good at: connecting, watching, noticing CRDs that come and go. Its handlers never do I/O,
never raise and decide nothing, so its retries, diffs, progress and annotations stay unused.

It runs in a thread with a loop of its own: when it ends, as it does when a watch is answered with 401, 404 or
410, it cancels every task of its loop, and the engine and the Lease must outlive that. It is then begun anew,
with lists of everything. Called by ``controller``.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import kopf

from mlplane import names
from mlplane.api.meta import Body
from mlplane.api.refs import Query
from mlplane.cluster.listing import selectors

Tell = Callable[[Body, bool], None]
"""Called with an object that is there, or (True) that is gone."""

FIRST_DELAY_S = 0.2
LAST_DELAY_S = 5.0
CALM_S = 10.0
"""After a life of this length Kopf is begun anew without a longer delay."""
END_S = 5.0
"""For how long Kopf is waited for when it has been asked to end."""

log = logging.getLogger(__name__)


async def watch(queries: Sequence[Query], tell: Tell, anew: asyncio.Event) -> None:
    """Call ``tell`` with every object that appears, changes or vanishes, until cancelled.

    Args:
        queries: What to watch; all of the same namespace.
        tell: Called in this loop; must be quick. Objects are told of again whenever Kopf begins anew.
        anew: When it is set, the watches are given up and begun anew.
    """
    delay = FIRST_DELAY_S
    while True:
        anew.clear()
        began, kopf_thread = time.monotonic(), _Kopf(queries, tell)
        kopf_thread.start()
        wanted = asyncio.create_task(anew.wait())
        try:
            await asyncio.wait((kopf_thread.ended, wanted), return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
            await kopf_thread.stop()
        if time.monotonic() - began > CALM_S:
            delay = FIRST_DELAY_S
        log.warning("watches are begun anew in %.1f s: %s", delay, kopf_thread.why())
        await asyncio.sleep(delay)
        delay = min(delay * 2, LAST_DELAY_S)


class _Kopf(threading.Thread):
    """One life of Kopf. ``ended`` is done when it is over."""

    def __init__(self, queries: Sequence[Query], tell: Tell) -> None:
        super().__init__(name="kopf", daemon=True)
        self._outer = asyncio.get_running_loop()
        self._inner = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._queries = queries
        self._tell = tell
        self._error: BaseException | None = None
        self.ended = self._outer.create_future()

    def run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._inner) as runner:
                runner.run(self._operate())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is over, and why() says so
            self._error = error
        self._outside(self._finish)

    async def stop(self) -> None:
        """Ask it to end, and wait for a while until it has."""
        with contextlib.suppress(RuntimeError):  # its loop is closed
            self._inner.call_soon_threadsafe(self._stop.set)
        await asyncio.wait((self.ended,), timeout=END_S)

    def why(self) -> str:
        """Why it has ended."""
        return repr(self._error) if self._error else "it was asked to end"

    async def _operate(self) -> None:
        namespace = self._queries[0].namespace
        await kopf.operator(
            registry=self._registry(),
            settings=_settings(self._queries),
            standalone=True,
            clusterwide=namespace is None,
            namespaces=[] if namespace is None else [namespace],
            stop_flag=self._stop,
        )

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        async def on_event(body: Any, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name for it
            self._outside(self._tell, dict(body), type == "DELETED")

        for query in self._queries:
            group, version = query.api_version.split("/")
            kopf.on.event(group=group, version=version, kind=query.kind, registry=registry)(on_event)
        kopf.on.login(registry=registry)(_login)
        return registry

    def _outside(self, call: Callable[..., None], *arguments: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the process ends: its loop is closed
            self._outer.call_soon_threadsafe(call, *arguments)

    def _finish(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)


def _login(**kwargs: Any) -> Any:
    """A kubeconfig if there is one, else the pod's service account; the same order as ``cluster.access``."""
    return kopf.login_with_kubeconfig(**kwargs) or kopf.login_with_service_account(**kwargs)


def _settings(queries: Sequence[Query]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None  # it would kill the whole process
    # Nothing that another Kopf operator has left on an object is read or removed.
    settings.persistence.finalizer = f"{names.GROUP}/unused"
    settings.persistence.diffbase_storage = _NoStorage()
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 15
    settings.networking.error_backoffs = _Backoffs()
    settings.watching.connect_timeout = 5
    settings.watching.server_timeout = 300
    # A stream without a sign of life is taken for dead; servers send a bookmark each minute.
    settings.watching.inactivity_timeout = 70
    for query in queries:
        if query.labels:
            group, version = query.api_version.split("/")
            settings.watching.label_selectors[group, version, query.kind] = selectors(query)["labelSelector"]
    return settings


class _NoStorage(kopf.DiffBaseStorage):
    """Remembers nothing: there are no handlers of changes, and a broken annotation must not matter."""

    def build(self, **_: Any) -> Any:
        return {}

    def fetch(self, **_: Any) -> Any:
        return None

    def store(self, **_: Any) -> None:
        pass


class _Backoffs:
    """For how long Kopf waits before it tries a request again, in seconds: for ever, and never for long."""

    def __iter__(self) -> Iterator[float]:
        return chain((0.1, 0.2, 0.5, 1, 2), repeat(5))
