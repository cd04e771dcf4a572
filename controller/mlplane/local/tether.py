"""``python -m mlplane.local.tether LOCK MODULE [ARGUMENT ...]``: run it, not longer than its supervisor.

The supervisor holds the other end of this process's standard input. However it ends, the pipe ends too; then
this process gets SIGTERM, as if it had been asked to stop, and is ended for good if it does not. A process of
an earlier supervisor may still be stopping: it is waited for, so that there is only ever one.
Started by ``up``.
"""

import fcntl
import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

GRACE_S = 20.0
ORPHANED = 70
"""Exit code of a process that did not stop in time."""


def main() -> None:
    """Watch standard input, and run the module as if it had been started alone, once the lock is free."""
    supervisor = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    threading.Thread(target=_stop_at_end_of, args=(supervisor,), daemon=True, name="tether").start()
    _, lock, *sys.argv = sys.argv
    with Path(lock).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # for as long as this process lives
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _stop_at_end_of(pipe: int) -> None:
    while os.read(pipe, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(ORPHANED)


if __name__ == "__main__":
    main()
