"""``python -m mlplane.steps.rank SCRIPT``: a script as one of several processes that torchrun has started.

torchrun starts each in a session of its own, so that nothing ends it when torchrun is killed, and hears of
signals itself. So the process registers for signals, and ends when its parent has gone. Imports nothing that
a script might not want.
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

RANKS_ENV = "MLPLANE_RANKS"
"""Directory with a file for each process that wants signals."""
STOP = "stop"
"""A file there, once all were told to stop."""
INTERRUPTED = 75
"""As in ``training.checkpoints``, which needs more imports."""
_LOOK = 0.2


def main() -> None:
    """Run the script as if Python had been started with it."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True, name="parent").start()
    folder = Path(os.environ.pop(RANKS_ENV))
    (folder / str(os.getpid())).touch()
    if (folder / STOP).exists():
        sys.exit(INTERRUPTED)
    del sys.argv[0]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    runpy.run_path(sys.argv[0], run_name="__main__")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
