"""Brings one pod to what its object asks for, again and again, and writes its status.

Each pass reads the pod's folder anew: what runs, what has ended and how. Nothing that matters is kept
in memory only, so it makes no difference whether the pass before was made by this process.
"""

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlplane.api import Body
from mlplane.api.refs import Ref, ref_of
from mlplane.cluster.mergepatch import change
from mlplane.errors import MlplaneError
from mlplane.local.node import lifecycle, runs, starting, status
from mlplane.local.node.ending import STARTING_LIMIT, Ending
from mlplane.local.node.health import Checkup
from mlplane.local.node.lifecycle import Runs
from mlplane.local.node.memory import MemoryWatch
from mlplane.local.node.placing import give_back
from mlplane.local.node.refusals import CannotStart
from mlplane.local.node.starting import Node
from mlplane.local.nodenames import DEADLINE_EXCEEDED, NODE_MANAGER, NODE_SHUTDOWN
from mlplane.local.podfolder import PodFolder, folder_of

log = logging.getLogger(__name__)

QUICK_LOOK, LOOK = 0.05, 0.25
"""Seconds between two looks at a pod's processes: in their first seconds, and later."""
YOUNG = 10.0
RETRY = 1.0
"""Seconds until something that could not be done is tried again."""
SHUTDOWN_GRACE = 10.0
"""Seconds that pods are given at most when the node stops: whoever stops it does not wait for ever."""
LAST_WORDS = 2048
"""Bytes of a failed container's log that become its message, if it asks for them."""


@dataclass
class Worker:
    """One pod. ``seen`` wakes it with a newer object, ``gone`` says that the object is deleted."""

    node: Node
    pod: Body
    is_gone: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _refused: dict[str, CannotStart] = field(default_factory=dict)
    _tried: dict[tuple[str, int], float] = field(default_factory=dict)
    _unplaced: str = ""
    """Why the pod waits for its place; empty if it has it."""

    def __post_init__(self) -> None:
        self._folder: PodFolder = folder_of(self.node.state_root, self.pod)
        self._written: Body = self.pod.get("status") or {}
        self._ending = Ending(self._folder, float(self.pod["spec"].get("terminationGracePeriodSeconds", 30)))
        self._checkup = Checkup(self.node.session)
        self._memory = MemoryWatch(self._folder)

    @property
    def ref(self) -> Ref:
        """The pod's name."""
        return ref_of(self.pod)

    def seen(self, pod: Body) -> None:
        """Take a newer object."""
        self.pod = pod
        self._changed.set()

    def gone(self) -> None:
        """The object is deleted: end what runs, and remove the folder."""
        self.is_gone = True
        self._changed.set()

    async def work(self) -> None:
        """Make passes until the pod is deleted."""
        pause: float | None = 0.0
        try:
            while pause is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._changed.wait()
                self._changed.clear()
                pause = await self._try_pass()
        finally:
            self._checkup.stop()

    async def _try_pass(self) -> float | None:
        try:
            return await self._pass()
        except (MlplaneError, OSError) as error:
            log.warning("pod %s: %s; trying again", self.ref.name, error)
        except Exception:
            # One pod's trouble must not end the care for the others.
            log.exception("pod %s: unexpected", self.ref.name)
        return RETRY

    async def shut_down(self) -> None:
        """End the pod's processes, because the node stops, and say so where they are not started again."""
        found = self._runs()
        if self._has_ended() or not any(found.values()):
            return
        self._ending.grace = min(self._ending.grace, SHUTDOWN_GRACE)
        is_final = self.pod["spec"].get("restartPolicy", "Always") == "Never"
        if is_final and lifecycle.phase_of(self.pod, found) not in ("Succeeded", "Failed"):
            self._ending.condemn(
                NODE_SHUTDOWN, "The plane was stopped while the pod ran; its processes were ended."
            )
        for name, attempts in found.items():
            if attempts and not attempts[-1].is_over:
                runs.mark_stopped(self._folder, name, attempts[-1])
        await self._ending.end_all()
        if not self.is_gone:
            await self._write_status(self._runs())

    async def _pass(self) -> float | None:
        """Look and act once; seconds until the next look, or None if there is nothing more to do, ever."""
        runs.reap()
        if self.is_gone or self.pod["metadata"].get("deletionTimestamp"):
            await self._remove()
            return None
        if self._has_ended():
            await self._ending.end_all()
            give_back(self._folder)
            await self._changed.wait()
            return 0.0
        self._folder.make()
        self._watch_deadline()
        found = self._runs()
        if self._ending.verdict() is not None:
            self._ending.end(attempts[-1] for attempts in found.values() if attempts)
        else:
            self._end_failing(found)
            await self._start_due(found)
        found = self._runs()
        if self._memory.is_due(self.pod):
            await asyncio.to_thread(self._memory.end_over_limit, self.pod, found)
        self._checkup.keep(self.pod, found, self._folder, self._written)
        await self._write_status(found)
        return self._pause(found)

    def _has_ended(self) -> bool:
        return self._written.get("phase") in ("Succeeded", "Failed")

    def _pause(self, found: Runs) -> float:
        if self._unplaced or (self._refused and not lifecycle.is_active(found)):
            return RETRY
        latest = max((attempts[-1].started for attempts in found.values() if attempts), default=0.0)
        return QUICK_LOOK if time.time() - latest < YOUNG else LOOK

    def _runs(self) -> Runs:
        found = {c["name"]: runs.read(self._folder, c["name"]) for c in lifecycle.all_containers(self.pod)}
        for each in self._written.get("containerStatuses") or ():
            # Its status says that it ran, and no trace is left: the folder was removed.
            if each.get("containerID") and not found.get(each["name"]):
                found[each["name"]] = (runs.Run(each.get("restartCount", 0), "lost"),)
        return found

    def _watch_deadline(self) -> None:
        limit, start = self.pod["spec"].get("activeDeadlineSeconds"), self._written.get("startTime")
        if limit is None or start is None or self._ending.verdict() is not None:
            return
        if time.time() >= datetime.fromisoformat(start).timestamp() + limit:
            message = "Pod was active on the node longer than the specified deadline"
            self._ending.condemn(DEADLINE_EXCEEDED, message)

    def _end_failing(self, found: Runs) -> None:
        """Containers that their probes gave up, and what lost shims have left."""
        latest = {name: attempts[-1] for name, attempts in found.items() if attempts}
        self._ending.end(
            run for name, run in latest.items() if run.state == "lost" or self._checkup.is_dead(name, run)
        )

    async def _start_due(self, found: Runs) -> None:
        self._unplaced = self.node.places.take(self.pod, self._folder)
        if self._unplaced:
            return
        now = time.time()
        for container, attempt in lifecycle.due(self.pod, found, now, self.node.backoff):
            key = (container["name"], attempt)
            if now - self._tried.get(key, 0.0) < STARTING_LIMIT:
                continue
            try:
                self.pod = await starting.start(self.node, self.pod, container, attempt, self._folder)
                self._tried[key] = now
                self._refused.pop(container["name"], None)
            except CannotStart as refused:
                self._refused[container["name"]] = refused

    async def _remove(self) -> None:
        """End everything, then let go of the object and of the folder."""
        await self._ending.end_all()
        if not self.is_gone:
            await self.node.cluster.delete(self.ref, uid=self.pod["metadata"]["uid"], grace_seconds=0)
        await asyncio.to_thread(self._folder.remove)

    async def _write_status(self, found: Runs) -> None:
        """Write the status if it differs from the one before."""
        observed = status.Observed(
            found,
            self._checkup.ready(found),
            dict(self._refused),
            self._ending.verdict(),
            self._last_words(found),
            self._unplaced,
        )
        want = status.status_of(self.pod, self._written, observed, datetime.now(UTC), self.node.backoff)
        patch = change(self._written, want)
        if patch:
            patch = {"status": patch}
            answer = await self.node.cluster.patch(
                self.ref, patch, manager=NODE_MANAGER, subresource="status"
            )
            self._written = want
            if answer is None:
                self.gone()

    def _last_words(self, found: Runs) -> dict[str, str]:
        words: dict[str, str] = {}
        for container in lifecycle.all_containers(self.pod):
            run = lifecycle.last(found, container)
            wanted = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
            if wanted and run is not None and run.state == "exited" and run.code != 0:
                path = self._folder.log(container["name"])
                words |= {container["name"]: _end_of(path)} if path.exists() else {}
        return words


def _end_of(log_file: Path) -> str:
    with log_file.open("rb") as file:
        file.seek(max(0, log_file.stat().st_size - LAST_WORDS))
        return file.read().decode(errors="replace").strip()
