"""Starts the programs of planes as forks of a process that has imported them already.

Most of what a crash point costs is the imports of four Python programs. What is forked is a process of its
own all the same, with its own number, descriptors and threads, and SIGKILL ends it as any other; it has read
nothing, and opened nothing, before the fork. ``launch`` starts with it what a test kills.

    python -P nursery.py FD    a JSON line for each program to start; answers with its number
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from mlplane.local.node import worker
from mlplane.local.workflows import exprlang, whenlang

PROGRAMS = {
    "mlplane.local.apiserver": "mlplane.local.apiserver.__main__:main",
    "mlplane.cli.main": "mlplane.controller:run",
    "mlplane.local.engines": "mlplane.local.engines:main",
}
"""The function of each module that is run with ``-m``; of the command line there is but the controller."""
IMPORTED_S = 0.5
"""How long a program sleeps before it begins: the time that the imports take which are spared."""
PR_SET_PDEATHSIG = 1
"""See prctl(2): what the nursery has started ends in order when the nursery does, whatever ended that."""
GRAMMARS = (exprlang._parser, whenlang._parser)
"""What a program works out once, from nothing but its code, and that takes as long as its imports."""


class Nursery:
    """The process that forks. One for all planes; used from one thread."""

    def __init__(self) -> None:
        self._mine, other = socket.socketpair()
        command = [sys.executable, "-P", __file__, str(other.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[other.fileno()], start_new_session=True)
        other.close()
        self._lines = self._mine.makefile("r")

    def start(self, order: dict[str, Any]) -> int:
        """The number of a new process."""
        self._mine.sendall(json.dumps(order).encode() + b"\n")
        return int(self._lines.readline())

    def close(self) -> None:
        """End it, and what it has started and that still lives."""
        self._mine.close()
        self._lines.close()
        self._process.wait(20)


@dataclass
class Forked:
    """A program, as ``processes.Process`` is one."""

    nursery: Nursery
    arguments: tuple[str, ...]
    """Module and its arguments."""
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    executable: str = sys.executable
    """What it takes for the interpreter that it runs in."""
    _pid: int = 0
    _descriptor: int = -1
    """Becomes readable when the process ends; -1 before it was started."""

    def start(self) -> None:
        """Start it; it must not be running."""
        self.close()
        self._pid = self.nursery.start(
            {
                "arguments": self.arguments,
                "log": str(self.log_file),
                "environment": {**os.environ, **self.environment},
                "executable": self.executable,
            }
        )
        try:
            self._descriptor = os.pidfd_open(self._pid)
        except ProcessLookupError:
            self._descriptor = os.open(os.devnull, os.O_RDONLY)  # always readable: it has ended

    def has_ended(self) -> bool:
        """Whether it was started and lives no more."""
        return self._descriptor >= 0 and self._is_over(0)

    def kill(self) -> None:
        """SIGKILL; back when it is dead."""
        self._end(signal.SIGKILL, 60)

    def stop(self, seconds: float = 20) -> None:
        """SIGTERM, if it lives; back when it has ended."""
        if self._descriptor < 0 or self.has_ended():
            return
        try:
            self._end(signal.SIGTERM, seconds)
        except TimeoutError:
            self.kill()
            raise

    def close(self) -> None:
        """Forget the process that was started last."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def _end(self, number: signal.Signals, seconds: float) -> None:
        try:
            signal.pidfd_send_signal(self._descriptor, number)
        except ProcessLookupError:
            return
        if not self._is_over(seconds):
            raise TimeoutError(f"{self.arguments[0]} lives {seconds} s after {number.name}")

    def _is_over(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        poll = select.poll()  # select() knows no descriptor beyond 1023
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(1000 * seconds))


def serve(descriptor: int) -> None:
    """Import the programs, then fork as told, until the other side closes."""
    for target in PROGRAMS.values():
        importlib.import_module(target.partition(":")[0])
    for parser in GRAMMARS:
        parser()
    worker.QUICK_LOOK = worker.LOOK  # else a plane spends most of its time on looking for what ends soon
    assert threading.active_count() == 1, "a thread does not survive a fork"
    gc.collect()
    gc.freeze()  # else the collector of each child would copy the pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes away what has ended
    orders = socket.socket(fileno=descriptor)
    for line in orders.makefile("r"):
        pid = os.fork()
        if pid == 0:
            orders.detach()
            os.close(descriptor)
            _become(json.loads(line))
        orders.sendall(f"{pid}\n".encode())


def _become(order: dict[str, Any]) -> NoReturn:
    """Be the program."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.executable = order["executable"]
    module, *arguments = order["arguments"]
    sys.argv = [module, *arguments]
    time.sleep(IMPORTED_S)
    target, _, function = PROGRAMS[module].partition(":")
    code = 1
    try:
        code = getattr(sys.modules[target], function)() or 0
    except BaseException:  # noqa: BLE001 - whatever it is, the program ends with it
        traceback.print_exc()
    # Not sys.exit: to take all modules apart would touch, and so copy, all memory shared with the nursery.
    os._exit(code)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
