"""The controller process: the engine, and Kopf's watches that wake it. The same on a cluster and a laptop.

Started by the command ``mlplane controller``. If either of the two ends, the process ends with an error, so
that whoever supervises it (a Deployment, ``mlplane up``) starts it anew: a controller whose watch is dead
would look alive and do nothing.
"""

import asyncio
import logging
import os

from mlplane import handlers, names
from mlplane.cluster.kube import connect
from mlplane.engine.loop import Engine
from mlplane.errors import InvalidInput, Transient
from mlplane.reconcilers import RECONCILERS
from mlplane.settings import DEFAULT_IMAGE, Settings

IMAGE_ENV = "MLPLANE_IMAGE"

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
    return Settings(store=store, image=os.environ.get(IMAGE_ENV) or DEFAULT_IMAGE)


async def _run(settings: Settings, namespace: str | None, liveness: str | None) -> None:
    async with connect() as cluster:
        engine = Engine(cluster, RECONCILERS, settings, namespace=namespace)
        log.info("controller is up, in %s", f"namespace {namespace}" if namespace else "all namespaces")
        try:
            await handlers.operate(engine.run, engine.wake, namespace=namespace, liveness=liveness)
        except Exception as error:
            raise Transient(
                f"the controller lost its watches or its engine: {error!r}; start it again"
            ) from error
    log.info("controller has stopped")
