"""``python -m mlplane.local.engines --state DIR``: plays kubelet, Argo, KServe and the GitOps agent.

The composition root of the local plane's engines: each is an ordinary client of the API server and knows
nothing of the others. One that crashes is started again without the others. Started by ``up``.
"""

import argparse
import asyncio
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from mlplane.cluster.kube import KubeCluster, connect
from mlplane.local.bootstrap import make_workspace
from mlplane.local.following import Source
from mlplane.local.following import follow as follow_git
from mlplane.local.inference.engine import run_inference
from mlplane.local.node.gpus import gpus_of_machine
from mlplane.local.node.kubelet import run_node
from mlplane.local.node.registration import keep_registered
from mlplane.local.programs import NOTHING, Allowed, Follow
from mlplane.local.state import NAMESPACE, State
from mlplane.local.workflows.engine import run_workflows

IMAGES = ("ghcr.io/mlplane/runtime:*",)
"""Images whose containers run as processes of this machine, whatever the operator allows."""
FIRST_DELAY_S = 0.5
LAST_DELAY_S = 30.0

log = logging.getLogger(__name__)

Run = Callable[[], Awaitable[None]]


async def run(state: State, follow: Follow | None, allowed: Allowed = NOTHING) -> None:
    """Run the engines until SIGTERM or SIGINT; stop the node last, when nobody starts pods any more."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gpus = await asyncio.to_thread(gpus_of_machine)
    async with connect(state.kubeconfig) as cluster:
        tasks = [
            asyncio.create_task(keep_running(name, run), name=name)
            for name, run in _engines(cluster, state, follow, allowed, gpus).items()
        ]
        await stop.wait()
        log.info("stopping")
        *others, node = tasks
        for group in (others, [node]):
            for task in group:
                task.cancel()
            await asyncio.wait(group)


async def keep_running(name: str, run: Run) -> None:
    """Run, and run again after a pause if it ends or fails, until cancelled."""
    delay = FIRST_DELAY_S
    while True:
        started = time.monotonic()
        try:
            await run()
            log.error("%s ended; again in %.1f s", name, delay)
        except Exception:
            log.exception("%s failed; again in %.1f s", name, delay)
        if time.monotonic() - started > LAST_DELAY_S:
            delay = FIRST_DELAY_S
        await asyncio.sleep(delay)
        delay = min(delay * 2, LAST_DELAY_S)


def _engines(
    cluster: KubeCluster, state: State, follow: Follow | None, allowed: Allowed, gpus: tuple[str, ...]
) -> dict[str, Run]:
    engines: dict[str, Run] = {
        "workflows": lambda: run_workflows(cluster, state.root),
        "inference": lambda: run_inference(cluster, gateway_port=state.gateway_port),
    }
    if follow:
        source = Source(follow.repo, follow.path, follow.revision, NAMESPACE, allowed.signers)

        async def prepare(namespace: str) -> None:
            if namespace != NAMESPACE:  # which the plane has from its start
                await make_workspace(cluster, namespace, state.gitconfig.read_text())

        engines["agent"] = lambda: follow_git(cluster, source, prepare)
    engines["registration"] = lambda: keep_registered(cluster, len(gpus))
    engines["node"] = lambda: run_node(cluster, state.root, images=(*IMAGES, *allowed.images), gpus=gpus)
    return engines


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m mlplane.local.engines", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state folder, made by mlplane up")
    parser.add_argument("--repo", type=Path, help="git repository to follow; none if not given")
    parser.add_argument("--path", help="path in it; the environments of its promotion.yaml if not given")
    parser.add_argument("--revision", default="main", help="branch, tag or commit")
    parser.add_argument("--signers", type=Path, help="file of those whose commits are applied")
    parser.add_argument("--allow-image", action="append", default=[], help="pattern of images to run")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    follow = Follow(arguments.repo, arguments.path, arguments.revision) if arguments.repo else None
    allowed = Allowed(images=tuple(arguments.allow_image), signers=arguments.signers)
    asyncio.run(run(State.load(arguments.state), follow, allowed))


if __name__ == "__main__":
    main()
