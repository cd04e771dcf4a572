"""``python -m mlplane.steps.torchrun PROCESSES SCRIPT``: torchrun, which ends as one process would.

Started by ``steps.script``. Who waits for it learns the exit code or the signal of the process that failed
first, reads that one's last lines at the end of the log, and sends signals to all by sending them here.
"""

import contextlib
import functools
import itertools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Protocol

from mlplane.steps.rank import RANKS_ENV, STOP

PATIENCE = 30
"""Seconds that torchrun gives the others to end when one has failed."""
LOOK = "0.02"
"""Seconds between two looks: who failed first is to be known, and the others fail because of it soon."""
LAST_LINES = 20


class Failure(Protocol):
    """How a process ended; a ``ProcessFailure`` of torch."""

    exitcode: int
    timestamp: int


def main() -> None:
    """Run the script in so many processes, and end as they do."""
    _, processes, script = sys.argv
    folder = Path(tempfile.mkdtemp(prefix="ranks-"))
    os.environ[RANKS_ENV] = str(folder)
    os.environ["OMP_NUM_THREADS"] = threads_each(os.environ.get("OMP_NUM_THREADS", ""), int(processes))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, functools.partial(_pass_on, folder))
    # What torchrun says of the script is told here, in fewer words.
    logging.disable(logging.CRITICAL)
    from torch.distributed import run
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError

    options = [
        "--standalone", "--nproc-per-node", processes, "--signals-to-handle", "SIGHUP",
        "--monitor-interval", LOOK,
        # Errors are printed and kept; what is printed on purpose comes as it is.
        "--tee", "2", "--log-dir", str(folder / "logs"), "-m", "mlplane.steps.rank", script,
    ]  # fmt: skip
    try:
        run.run(run.parse_args(options))  # type: ignore[no-untyped-call]
    except ChildFailedError as error:
        rank = culprit(error.failures)
        _tell(folder / "logs", rank)
        _end_as(error.failures[rank].exitcode)


def threads_each(threads: str, processes: int) -> str:
    """The share of a process in the threads of its container; one, as torchrun has it, if nothing is said."""
    return str(max(1, int(threads) // processes)) if threads.isdecimal() else "1"


def culprit(failures: Mapping[int, Failure]) -> int:
    """Rank of the process that the others failed because of.

    Args:
        failures: By rank, in the order in which they were seen. Those that torchrun itself had to kill are
            among them, but they ended later than all others.
    """
    first, found = next(iter(failures.items()))
    for rank, failure in failures.items():
        soon = failure.timestamp < found.timestamp + PATIENCE - 1
        if failure.exitcode == -signal.SIGKILL and soon:
            return rank
    return first


def _pass_on(folder: Path, number: int, _: FrameType | None) -> None:
    """Tell all processes, also one that is only starting."""
    (folder / STOP).touch()
    for name in [path.name for path in folder.iterdir() if path.name.isdecimal()]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(name), number)


def _tell(logs: Path, rank: int) -> None:
    """Say what the process said last: others may have said more since."""
    for path in itertools.islice(logs.glob(f"*/attempt_*/{rank}/stderr.log"), 1):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        if lines:
            sys.stderr.write("\n".join([f"process {rank} failed first, with these last lines:", *lines, ""]))
    sys.stderr.flush()


def _end_as(code: int) -> None:
    """End with an exit code, or by a signal."""
    if code < 0:
        with contextlib.suppress(OSError):  # there is no other way to end by SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
