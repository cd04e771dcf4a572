"""Running the user's code: its own process, a small environment, its output passed through as it comes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mlplane import names
from mlplane.cpus import usable_cpus
from mlplane.errors import GpuFault, GpuMemoryShort, Killed, MlplaneError, Stopped, SystemFault, Terminal
from mlplane.training.checkpoints import INTERRUPTED
from mlplane.training.context import RUN_ENV
from mlplane.training.endings import GPU_FAULT, GPU_MEMORY, SURROUNDINGS
from mlplane.training.signals import METRICS_ENV

GRACE = 20
"""Seconds that a script has to end by itself after it was told to."""
_KEPT = (
    "PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "ARGO_PROGRESS_FILE", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    names.GPUS_ENV,
)  # fmt: skip
"""What it inherits: nothing that could be a credential of the store or of git."""
_KEPT_ALL = ("CUDA_", "NCCL_", "PYTORCH_", "TORCH_", "TRITON_")
"""And what begins so: images, device plugins and operators set it for GPUs."""
_OWN = ("HOME", "TMPDIR", "PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE")
"""What is set for it."""
_CHOSEN: dict[int, tuple[type[MlplaneError], str]] = {
    GPU_MEMORY: (GpuMemoryShort, "ran out of the GPU's memory"),
    GPU_FAULT: (GpuFault, "was ended by a fault of its GPU"),
    SURROUNDINGS: (SystemFault, f"failed with exit code {SURROUNDINGS}"),
}
"""Ends that ``training.endings`` has chosen: what they are, and how they are called."""
_STOPPED = (INTERRUPTED, -signal.SIGTERM)
"""Ends of a script that was told to."""


def run_script(
    code: Path,
    entrypoint: str,
    run_document: Path,
    seed: int,
    scratch: Path,
    *,
    announced_by: str = RUN_ENV,
    processes: int = 1,
) -> None:
    """Run a script to its end; its metrics are also kept in a file beside its document.

    Args:
        code: Directory of the code; the script's working directory and ``PYTHONPATH``.
        entrypoint: The script, relative to the code.
        run_document: What ``training.context`` reads.
        seed: Of the run; also fixes Python's hashes.
        scratch: For ``HOME`` and temporary files.
        announced_by: The variable that says where the document is.
        processes: How many that train together; more than one are started by torchrun.

    Raises:
        Terminal: the script failed; says with which exit code or signal.
        Transient: it was stopped from outside.
    """
    told = secrets() | {announced_by: str(run_document), METRICS_ENV: str(metrics_file(run_document))}
    script = [str(code / entrypoint)]
    command = script if processes == 1 else ["-m", "mlplane.steps.torchrun", str(processes), *script]
    run_python(command, f"script {entrypoint}", code, told | {"PYTHONHASHSEED": str(seed)}, scratch)


def secrets() -> dict[str, str]:
    """The keys of the run's Secret, which only the script gets."""
    prefix = names.SCRIPT_ENV_PREFIX
    given = {name[len(prefix) :]: value for name, value in os.environ.items() if name.startswith(prefix)}
    # A Secret does not say where Python finds the code, nor which GPUs there are.
    return {name: value for name, value in given.items() if name not in (*_KEPT, *_OWN)}


def metrics_file(run_document: Path) -> Path:
    """Where the metrics of a script are kept, one JSON document a line."""
    return run_document.with_name("metrics.jsonl")


def run_python(
    arguments: Sequence[str], what: str, code: Path, environment: Mapping[str, str], scratch: Path
) -> None:
    """Run a user's code to its end; SIGTERM and SIGINT are passed on to it.

    Args:
        arguments: Of Python.
        what: Name of the code, for messages.
        code: Its directory; working directory and ``PYTHONPATH``.
        environment: What it is told beside the little that it inherits.
        scratch: For ``HOME`` and temporary files.

    Raises:
        Terminal: it failed; says with which exit code or signal.
        Transient: it was stopped from outside, killed or told to end; or its GPU fails.
    """
    for directory in (scratch / "home", scratch / "tmp"):
        directory.mkdir(parents=True, exist_ok=True)
    inherited = {n: value for n, value in os.environ.items() if n in _KEPT or n.startswith(_KEPT_ALL)}
    # Numeric libraries would start a thread for each CPU of the node, whatever the container may use.
    whole = (
        {"OMP_NUM_THREADS": str(usable_cpus())}
        | inherited
        | {
            "HOME": str(scratch / "home"),
            "TMPDIR": str(scratch / "tmp"),
            "PYTHONPATH": str(code),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
    )
    process = subprocess.Popen([sys.executable, *arguments], cwd=code, env=whole | dict(environment))
    with _signals_passed_to(process) as passed:
        code_of_exit = process.wait()
    if code_of_exit in _STOPPED or (passed and code_of_exit):
        raise Stopped(f"{what} {_ending(code_of_exit)}")
    if code_of_exit == -signal.SIGKILL:
        # By whoever takes the machine away, or because memory is short: tried again a few times only.
        raise Killed(f"{what} {_ending(code_of_exit)}")
    if code_of_exit:
        kind, ending = _CHOSEN.get(code_of_exit, (Terminal, _ending(code_of_exit)))
        raise kind(f"{what} {ending}; its last lines say why")


@contextmanager
def _signals_passed_to(process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Pass signals on; who does not end in time is killed, so that no process outlives the step.

    Gives the signals that were passed on.
    """
    passed: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        passed.append(number)
        process.send_signal(number)
        signal.alarm(GRACE)

    def kill(_: int, __: FrameType | None) -> None:
        process.kill()

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGALRM: kill}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield passed
    finally:
        signal.alarm(0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _ending(code: int) -> str:
    if code == INTERRUPTED:
        return "was told to stop, and saved a checkpoint"
    if code > 0:
        return f"failed with exit code {code}"
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{hint}"
