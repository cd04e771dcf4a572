"""The controller process: the engine, and Kopf's watches that wake it. The same on a cluster and a laptop.

Started by the command ``mlplane controller``. If either of the two ends, the process ends with an error, so
that whoever supervises it (a Deployment, ``mlplane up``) starts it anew: a controller whose watch is dead
would look alive and do nothing.
"""

import asyncio
import logging
import os

from mlplane import handlers, names
from mlplane.api import KINDS
from mlplane.api.refs import Ref
from mlplane.cluster.discovery import UnknownKind
from mlplane.cluster.kube import connect
from mlplane.cluster.port import Cluster
from mlplane.engine.loop import Engine
from mlplane.errors import InvalidInput, Transient
from mlplane.reconcilers import RECONCILERS
from mlplane.settings import DEFAULT_IMAGE, Settings

WAIT_S = 0.2
"""How often to look whether the API server has the kinds."""
PATIENCE_S = 5.0
"""For how long an API server may not answer when the controller starts."""
NEEDED = (
    *((names.API_VERSION, kind) for kind in KINDS),
    (names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND),
    (names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND),
)

log = logging.getLogger(__name__)


def run(namespace: str | None = None, *, liveness: str | None = None) -> None:
    """Work until SIGTERM or SIGINT.

    Args:
        namespace: The one to work in; None for all.
        liveness: Where to answer liveness probes, such as ``http://0.0.0.0:8080/healthz``.

    Raises:
        InvalidInput: The environment or the kubeconfig is wrong.
        Transient: The watches or the engine ended; start the process again.
    """
    settings = settings_from_environment()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    asyncio.run(_run(settings, namespace, liveness))


def settings_from_environment() -> Settings:
    """What MLPLANE_STORE and MLPLANE_IMAGE say. Raises InvalidInput without a store."""
    store = os.environ.get(names.STORE_ENV)
    if not store:
        raise InvalidInput(
            f"{names.STORE_ENV} is not set: set it to the URL that store:// stands for, such as s3://bucket"
        )
    return Settings(store=store, image=os.environ.get(names.IMAGE_ENV) or DEFAULT_IMAGE)


async def _run(settings: Settings, namespace: str | None, liveness: str | None) -> None:
    async with connect() as cluster:
        engine = Engine(cluster, RECONCILERS, settings, namespace=namespace)
        try:
            await _wait_for_kinds(cluster)
            log.info("controller is up, in %s", f"namespace {namespace}" if namespace else "all namespaces")
            await handlers.operate(engine.run, engine.wake, namespace=namespace, liveness=liveness)
        except Exception as error:
            raise Transient(
                f"the controller lost its watches or its engine: {error!r}; start it again"
            ) from error
    log.info("controller has stopped")


async def _wait_for_kinds(cluster: Cluster) -> None:
    """Wait until every kind is served.

    Kopf asks once which kinds there are, and then follows the CRDs; one that comes in between is never
    watched (1.45: the first listing of CRDs is taken to be what was asked before).

    Raises:
        Transient: The API server did not answer for a while.
    """
    failures = 0
    waiting = [Ref(api_version, kind, "default", "absent") for api_version, kind in NEEDED]
    while waiting:
        try:
            await cluster.get(waiting[0])
            failures = 0
            waiting.pop(0)
            continue
        except UnknownKind as error:
            log.debug("waiting: %s", error)
        except Transient:
            failures += 1
            if failures * WAIT_S > PATIENCE_S:
                raise
        await asyncio.sleep(WAIT_S)
