"""The controller process: the Lease, the engine, and the watches that wake it. The same wherever it runs.

Started by the command ``mlplane controller``. It works while it holds its Lease. If the Lease or the engine
is lost, the process ends with an error, so that whoever supervises it (a Deployment, ``mlplane up``) starts
it anew. Watches that are lost or stale are begun anew in the process.
"""

import asyncio
import logging
import os
import signal
import socket
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

from mlplane import handlers, names
from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref
from mlplane.capacity import Profile
from mlplane.cluster.discovery import UnknownKind
from mlplane.cluster.events import Recorder
from mlplane.cluster.kube import connect
from mlplane.cluster.port import Cluster
from mlplane.engine import lease
from mlplane.engine.endpoint import answering
from mlplane.engine.leadership import Leadership
from mlplane.engine.looks import Looks
from mlplane.engine.loop import Engine
from mlplane.engine.telling import Telling
from mlplane.engine.webhook import Webhook, receiver
from mlplane.errors import InvalidInput, Transient
from mlplane.gitops.profilefile import read_profile
from mlplane.reconcilers import RECONCILERS
from mlplane.settings import DEFAULT_IMAGE, Settings

WAIT_S = 0.2
"""How often to look whether the API server has the kinds."""
PATIENCE_S = 5.0
"""For how long an API server may not answer when the controller starts."""

log = logging.getLogger(__name__)


def run(namespace: str | None = None, *, liveness: str | None = None, profile: Path | None = None) -> None:
    """Work until SIGTERM or SIGINT.

    Args:
        namespace: The one to work in; None for all.
        liveness: Where to answer liveness probes, such as ``http://0.0.0.0:8080/healthz``.
        profile: File with the operator's profile; None for the empty one.

    Raises:
        InvalidInput: The environment, the kubeconfig, the profile or ``liveness`` is wrong.
        Transient: The Lease or the engine was lost; start the process again.
    """
    settings = settings_from_environment(read_profile(profile) if profile else Profile())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)
    # It warns that signals do not reach it, which is as it should be.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    asyncio.run(_until_told_to_stop(settings, namespace, liveness))
    log.info("controller has stopped")


def settings_from_environment(profile: Profile) -> Settings:
    """What the environment says, and the profile. Raises InvalidInput without a store."""
    store = os.environ.get(names.STORE_ENV)
    if not store:
        raise InvalidInput(
            f"{names.STORE_ENV} is not set: set it to the URL that store:// stands for, such as s3://bucket"
        )
    hosts = os.environ.get(names.ALLOWED_HOSTS_ENV, "").split(",")
    return Settings(
        store=store,
        image=os.environ.get(names.IMAGE_ENV) or DEFAULT_IMAGE,
        allowed_hosts=tuple(host.strip() for host in hosts if host.strip()),
        hf_endpoint=os.environ.get(names.HF_ENDPOINT_ENV, ""),
        profile=profile,
    )


def watched(namespace: str | None) -> tuple[Query, ...]:
    """What matters to the controller; of Workflows and InferenceServices those that it has made."""
    ours = ((names.OWNER_KIND_LABEL, None),)
    return (
        *(Query(names.API_VERSION, kind, namespace) for kind in KINDS),
        Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, namespace, ours),
        Query(names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND, namespace, ours),
    )


async def _until_told_to_stop(settings: Settings, namespace: str | None, liveness: str | None) -> None:
    work = asyncio.create_task(_run(settings, namespace, liveness))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    await asyncio.wait((work,))
    if not work.cancelled():
        work.result()


async def _run(settings: Settings, namespace: str | None, liveness: str | None) -> None:
    anew = asyncio.Event()
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(connect())
        leadership = Leadership(cluster, _lease(namespace), _identity())
        engine = Engine(cluster, RECONCILERS, settings, namespace=namespace, guard=leadership.held)
        telling = Telling(Recorder(cluster, names.CONTROLLER_MANAGER, leadership.held), _webhook())
        engine.listen(telling.told)
        looks = Looks(cluster, watched(namespace), engine.wake, anew.set)

        def troubles() -> list[str]:
            return [*leadership.troubles(), *looks.troubles()]

        await stack.enter_async_context(answering(liveness, troubles))
        await _wait_for_kinds(cluster, watched(namespace))
        log.info("controller is up, in %s", f"namespace {namespace}" if namespace else "all namespaces")

        def tell(body: Body, gone: bool) -> None:  # noqa: FBT001
            try:
                looks.tell(body, gone=gone)
                engine.wake(body)
            except (LookupError, TypeError):
                log.exception("a watch told of something that is no object")

        try:
            await leadership.acquire()
            async with asyncio.TaskGroup() as group:
                group.create_task(leadership.keep(), name="lease")
                group.create_task(engine.run(), name="engine")
                group.create_task(telling.run(), name="telling")
                group.create_task(looks.run(), name="looks")
                group.create_task(handlers.watch(watched(namespace), tell, anew), name="watches")
        except ExceptionGroup as errors:
            error = errors.exceptions[0]
            raise Transient(f"the controller cannot go on: {error!r}; start it again") from error
        finally:
            await leadership.give_up()


def _webhook() -> Webhook | None:
    """The receiver of notifications, if the environment names one. Raises InvalidInput if it is wrong."""
    to = receiver(os.environ.get(names.NOTIFY_URL_ENV, ""), os.environ.get(names.NOTIFY_SECRET_ENV, ""))
    return Webhook(to) if to else None


def _lease(namespace: str | None) -> Ref:
    """Controllers of different namespaces do not exclude each other."""
    home = os.environ.get("POD_NAMESPACE") or names.SYSTEM_NAMESPACE
    name = f"{names.LEASE}-{namespace}" if namespace else names.LEASE
    return Ref(lease.API_VERSION, lease.KIND, home, name)


def _identity() -> str:
    """A container that is restarted in its pod takes up its own Lease at once."""
    return os.environ.get("POD_NAME") or f"{socket.gethostname()}_{uuid.uuid4()}"


async def _wait_for_kinds(cluster: Cluster, needed: tuple[Query, ...]) -> None:
    """Wait until every kind is served.

    Kopf asks once which kinds there are, and then follows the CRDs; one that comes in between is never
    watched (1.45: the first listing of CRDs is taken to be what was asked before).

    Raises:
        Transient: The API server did not answer for a while.
    """
    failures = 0
    waiting = [Ref(query.api_version, query.kind, "default", "absent") for query in needed]
    while waiting:
        try:
            await cluster.get(waiting[0])
            failures = 0
            waiting.pop(0)
            continue
        except UnknownKind as error:
            log.debug("waiting: %s", error)
        except Transient as error:
            failures += 1
            if failures * WAIT_S > PATIENCE_S:
                raise Transient(f"the controller cannot begin: {error}; start it again") from error
        await asyncio.sleep(WAIT_S)
