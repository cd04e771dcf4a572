"""The node: a worker for each Pod that is bound to it. ``run_node`` is run by the engines' process."""

import asyncio
import logging
from pathlib import Path

import aiohttp

from mlplane.api import Body
from mlplane.api.refs import Query
from mlplane.cluster.port import Cluster
from mlplane.errors import MlplaneError, Transient
from mlplane.local.node import runs
from mlplane.local.node.lifecycle import Backoff
from mlplane.local.node.orphans import end_orphans
from mlplane.local.node.placing import Places
from mlplane.local.node.registration import node_labels
from mlplane.local.node.starting import Node
from mlplane.local.node.worker import RETRY, Worker
from mlplane.local.nodenames import NODE_NAME

log = logging.getLogger(__name__)

PODS = Query("v1", "Pod", fields=(("spec.nodeName", NODE_NAME),))


async def run_node(
    cluster: Cluster,
    state_root: Path,
    *,
    images: tuple[str, ...],
    gpus: tuple[str, ...] = (),
    backoff: Backoff | None = None,
) -> None:
    """Run the Pods that are bound to this node, until cancelled.

    Cancellation is a graceful stop: the processes of all pods are asked to end, and made to after
    their grace period; Pods that are not to be restarted become Failed with reason NodeShutdown.
    After a kill instead, the processes go on, and the next ``run_node`` takes them over.

    Args:
        cluster: The API server.
        state_root: The plane's state folder; pods live in its folder ``pods``.
        images: Patterns (``ghcr.io/mlplane/runtime:*``) of images whose containers may run as processes.
        gpus: Numbers of the GPUs that pods may have.
        backoff: Pauses before containers are started again.
    """
    async with aiohttp.ClientSession() as session:
        places = Places(state_root, gpus, node_labels())
        kubelet = _Kubelet(Node(cluster, state_root, images, session, backoff or Backoff(), places))
        is_cancelled = False
        try:
            await kubelet.follow()
        except asyncio.CancelledError:
            is_cancelled = True
            raise
        finally:
            # A failure of the node itself is no reason to end pods: it is started again.
            await kubelet.stop(end_pods=is_cancelled)


async def end_pods(cluster: Cluster, state_root: Path) -> None:
    """End the processes of all pods in the place of a node that is not there to do it, or was not in time.

    Called by ``local.up`` when the engines have stopped: they may have been killed just before.
    """
    async with aiohttp.ClientSession() as session:
        await _end_pods(Node(cluster, state_root, (), session, Backoff(), Places(state_root)), [])


async def _end_pods(node: Node, known: list[Worker]) -> None:
    """End what the API server knows of, or, if it does not answer, what a watch has seen."""
    try:
        workers = [Worker(node, body) for body in await node.cluster.list(PODS)]
    except MlplaneError as error:
        log.warning("pods cannot be listed: %s", error)
        workers = known
    ends = await asyncio.gather(*(worker.shut_down() for worker in workers), return_exceptions=True)
    for worker, end in zip(workers, ends, strict=True):
        if isinstance(end, BaseException):
            log.warning("pod %s: its end could not be written now, and will be: %s", worker.ref.name, end)
    runs.reap()


class _Kubelet:
    """The workers by uid of their pod."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._workers: dict[str, tuple[Worker, asyncio.Task[None]]] = {}

    async def follow(self) -> None:
        """Tell the workers what the watch says, for ever."""
        while True:
            try:
                await self._follow()
            except Transient as error:
                log.warning("watching pods: %s; trying again", error)
            await asyncio.sleep(RETRY)

    async def _follow(self) -> None:
        seen: set[str] = set()
        is_synced = False
        async for event in self._node.cluster.watch(PODS):
            if event.type == "SYNCED":
                is_synced = True
                self._forget_all_but(seen)
                await end_orphans(self._node.state_root, set(self._workers))
                continue
            if not is_synced:
                seen.add(event.body["metadata"]["uid"])
            self._tell(event.body, is_gone=event.type == "DELETED")

    def _tell(self, pod: Body, *, is_gone: bool) -> None:
        uid = pod["metadata"]["uid"]
        if is_gone:
            if uid in self._workers:
                self._workers[uid][0].gone()
        elif uid in self._workers:
            self._workers[uid][0].seen(pod)
        else:
            worker = Worker(self._node, pod)
            task = asyncio.create_task(worker.work(), name=f"pod {worker.ref.name}")
            self._workers[uid] = (worker, task)
            task.add_done_callback(lambda _: self._workers.pop(uid, None))

    def _forget_all_but(self, seen: set[str]) -> None:
        for uid, (worker, _) in self._workers.items():
            if uid not in seen:
                worker.gone()

    async def stop(self, *, end_pods: bool) -> None:
        """Stop looking after the pods; they go on, or are all ended at once."""
        workers = list(self._workers.values())
        for _, task in workers:
            task.cancel()
        await asyncio.gather(*(task for _, task in workers), return_exceptions=True)
        if end_pods:
            await _end_pods(self._node, [worker for worker, _ in workers])
