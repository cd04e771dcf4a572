"""Holds containers to their memory limits: looks at what they use, and ends those that use more.

A process without root cannot be given a limit for all that it starts, so the node looks once a second. A
container that grows faster is over its limit until the next look. Resident memory is quick to read, but has
pages that processes share once for each of them, so only what is over the limit by it is looked at closely.
"""

import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from mlplane.api import Body
from mlplane.local.node import lifecycle, runs
from mlplane.local.node.containerlimits import memory_of
from mlplane.local.podfolder import PodFolder

LOOK = 1.0
"""Seconds between two looks."""


@dataclass
class MemoryWatch:
    """Looks after the memory of one pod's containers; called with every pass of its worker."""

    folder: PodFolder
    _looked: float = field(default=0.0)

    def is_due(self, pod: Body) -> bool:
        """Whether it is time to look, and there is a limit to hold the pod to."""
        has_limit = any(memory_of(container) is not None for container in lifecycle.all_containers(pod))
        return has_limit and time.monotonic() >= self._looked + LOOK

    def end_over_limit(self, pod: Body, found: lifecycle.Runs) -> None:
        """Kill the containers that use more than they may, and remember why. Reads what processes use."""
        self._looked = time.monotonic()
        for container in lifecycle.all_containers(pod):
            limit, run = memory_of(container), lifecycle.last(found, container)
            if limit is None or run is None or run.state != "running":
                continue
            if used_by(run.pid) <= limit or used_by(run.pid, share_of) <= limit:
                continue
            runs.mark_out_of_memory(self.folder, container["name"], run)
            runs.send(run, signal.SIGKILL)


def resident(process: psutil.Process) -> int:
    """Bytes that a process has in memory, shared ones included."""
    return int(process.memory_info().rss)


def share_of(process: psutil.Process) -> int:
    """The same with shared pages divided among those that share them, where the platform tells."""
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or resident(process)
    except psutil.AccessDenied:
        return resident(process)


def used_by(pid: int, measure: Callable[[psutil.Process], int] = resident) -> int:
    """Bytes of memory that a process and all that it has started use; 0 if it is gone."""
    total = 0
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += measure(process)
    return total
