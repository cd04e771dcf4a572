"""The node and the workflow engine as a process of their own, which tests kill.

Arguments: kubeconfig, state folder, first back-off in seconds.
"""

import asyncio
import signal
import sys
from pathlib import Path

from mlplane.cluster.kube import connect
from mlplane.local.node import run_node
from mlplane.local.node.lifecycle import Backoff
from mlplane.local.workflows import run_workflows

GPUS = ("0", "1")
"""Numbers of GPUs that nobody looks for."""


async def main(kubeconfig: Path, state_root: Path, first: float) -> None:
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with connect(kubeconfig) as cluster, asyncio.TaskGroup() as group:
        images = ("ghcr.io/mlplane/runtime:*",)
        node = run_node(cluster, state_root, images=images, gpus=GPUS, backoff=Backoff(first=first))
        group.create_task(node)
        group.create_task(run_workflows(cluster, state_root))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
