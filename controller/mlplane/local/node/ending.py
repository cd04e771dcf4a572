"""Ending a pod's processes: asked first, forced when their grace period is over; and why the node did it."""

import asyncio
import json
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from mlplane.api import Body
from mlplane.local.node import runs
from mlplane.local.podfolder import PodFolder

LOOK = 0.05
STARTING_LIMIT = 10.0
"""A shim that has not taken its attempt after so many seconds never will."""


@dataclass
class Ending:
    """How far the ending of a pod's processes is. ``grace`` is in seconds."""

    folder: PodFolder
    grace: float
    _asked: dict[str, float] = field(default_factory=dict)

    def verdict(self) -> Body | None:
        """``reason`` and ``message`` for which the node ends the pod; None if it does not."""
        if not self.folder.verdict.exists():
            return None
        found: Body = json.loads(self.folder.verdict.read_bytes())
        return found

    def condemn(self, reason: str, message: str) -> None:
        """Decide that the pod ends; holds for every node that looks after it from now on."""
        partial = self.folder.verdict.with_suffix(".partial")
        partial.write_text(json.dumps({"reason": reason, "message": message}))
        partial.replace(self.folder.verdict)

    def end(self, latest: Iterable[runs.Run]) -> None:
        """Do what is due now for these attempts; to be called again until they are over."""
        for run in latest:
            if run.state == "lost":
                runs.send(run, signal.SIGKILL)  # the shim is gone, what it ran may not be
            elif run.state == "running":
                self._end_running(run)

    def _end_running(self, run: runs.Run) -> None:
        if run.identity not in self._asked:
            self._asked[run.identity] = time.monotonic()
            runs.send(run, signal.SIGTERM)
        elif time.monotonic() >= self._asked[run.identity] + self.grace:
            runs.send(run, signal.SIGKILL)

    async def end_all(self) -> None:
        """Wait until none of the pod's processes runs."""
        limit = time.monotonic() + STARTING_LIMIT
        while True:
            latest = runs.read_latest(self.folder)
            self.end(latest)
            runs.reap()
            if not any(run.state == "running" or _may_start(run, limit) for run in latest):
                return
            await asyncio.sleep(LOOK)


def _may_start(run: runs.Run, limit: float) -> bool:
    return run.state == "starting" and time.monotonic() < limit
