"""Running the user's script: its own process, a small environment, its output passed through as it comes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from mlplane.errors import Terminal
from mlplane.training.context import RUN_ENV

GRACE = 20
"""Seconds that a script has to end by itself after it was told to."""
_KEPT = (
    "PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "ARGO_PROGRESS_FILE", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
)  # fmt: skip
"""What the script inherits: nothing that could be a credential of the store or of git."""


def run_script(code: Path, entrypoint: str, run_document: Path, seed: int, scratch: Path) -> None:
    """Run a script to its end; SIGTERM and SIGINT are passed on to it.

    Args:
        code: Directory of the code; the script's working directory and ``PYTHONPATH``.
        entrypoint: The script, relative to the code.
        run_document: What ``training.context`` reads.
        seed: Of the run; also fixes Python's hashes.
        scratch: For ``HOME`` and temporary files.

    Raises:
        Terminal: the script failed; says with which exit code or signal.
    """
    for directory in (scratch / "home", scratch / "tmp"):
        directory.mkdir(parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
        "HOME": str(scratch / "home"),
        "TMPDIR": str(scratch / "tmp"),
        "PYTHONPATH": str(code),
        "PYTHONHASHSEED": str(seed),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        RUN_ENV: str(run_document),
    }
    process = subprocess.Popen([sys.executable, str(code / entrypoint)], cwd=code, env=environment)
    with _signals_passed_to(process):
        code_of_exit = process.wait()
    if code_of_exit:
        raise Terminal(f"script {entrypoint} {_ending(code_of_exit)}; its last lines say why")


@contextmanager
def _signals_passed_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on; who does not end in time is killed, so that no process outlives the step."""

    def stop(number: int, _: FrameType | None) -> None:
        process.send_signal(number)
        signal.alarm(GRACE)

    def kill(_: int, __: FrameType | None) -> None:
        process.kill()

    handlers = {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGALRM: kill}
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _ending(code: int) -> str:
    if code > 0:
        return f"failed with exit code {code}"
    hint = " (out of memory?)" if -code == signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-code).name}{hint}"
