"""The two that weather the storms, each as a process that is started again when it ends, as on a cluster."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faults.processes import Process

LAST_DELAY_S = 10.0
ROOT = Path(__file__).parents[3]


def mlplane(kubeconfig: Path, log_file: Path) -> Process:
    """The controller, as a Deployment runs it."""
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "POD_NAME": "storms",
        "MLPLANE_STORE": "s3://artifacts/mlplane",
    }
    return Process(("-m", "mlplane.cli.main", "controller"), log_file, environment)


def kopf_operator(kubeconfig: Path, log_file: Path) -> Process:
    """An operator as Kopf's documentation teaches it."""
    file = ROOT / "benchmarks" / "peers" / "kopf_operator.py"
    command = ("-m", "kopf", "run", "--standalone", "--all-namespaces", str(file))
    return Process(command, log_file, {"KUBECONFIG": str(kubeconfig)})


async def _end_of(running: subprocess.Popen[bytes]) -> int:
    while (code := running.poll()) is None:  # noqa: ASYNC110 - a thread that waits could not be cancelled
        await asyncio.sleep(0.05)
    return code


@asynccontextmanager
async def kept_running(process: Process) -> AsyncIterator[list[int]]:
    """The process, started again whenever it ends, after delays that double; the exit codes so far."""
    ended: list[int] = []

    async def keep() -> None:
        delay = 0.2
        while True:
            process.start()
            assert process.running is not None
            began = asyncio.get_running_loop().time()
            ended.append(await _end_of(process.running))
            if asyncio.get_running_loop().time() - began > 10.0:
                delay = 0.2
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY_S)

    task = asyncio.create_task(keep())
    try:
        yield ended
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(process.stop)
