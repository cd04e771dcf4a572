"""The acting edge: looks at a Workflow and its Pods, and does what ``progress.advance`` says.

Every pass reads both anew, makes Pods before it says so in the status, and writes the status against
the version that was read. So it may be killed at any point, and two never make one Pod twice: its name
follows from the node, and the API server knows one Pod of a name. ``run_workflows`` is run by the
engines' process.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlplane import names
from mlplane.api import Body
from mlplane.api.conditions import timestamp
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.mergepatch import change
from mlplane.cluster.port import Cluster
from mlplane.cluster.presence import is_still_there
from mlplane.errors import MlplaneError, Terminal, Transient
from mlplane.local.nodenames import NODE_NAME
from mlplane.local.workflows import collection, podstates
from mlplane.local.workflows.identity import (
    COMPLETED_LABEL,
    ENGINE_MANAGER,
    POD_NAMES,
    POD_NAMES_ANNOTATION,
    WORKFLOW_LABEL,
)
from mlplane.local.workflows.pods import is_owned_by
from mlplane.local.workflows.podstates import PodState
from mlplane.local.workflows.progress import Advance, advance
from mlplane.local.workflows.validation import problems
from mlplane.local.workflows.written import state_of
from mlplane.schema import foreign

log = logging.getLogger(__name__)

WORKFLOWS = Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND)
PODS = Query("v1", "Pod", fields=(("spec.nodeName", NODE_NAME),))
POLL = 2.0
"""Seconds between two looks at the progress of running Pods."""
RETRY = 1.0
RESYNC = 30.0

Key = tuple[str, str]
"""Namespace and name of a Workflow."""


async def run_workflows(cluster: Cluster, state_root: Path) -> None:
    """Run Workflows until cancelled; their Pods go on then, and so do they with the next call.

    Args:
        cluster: The API server.
        state_root: The plane's state folder, where the node keeps what Pods write.
    """
    engine = _Engine(cluster, state_root)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(engine.follow(WORKFLOWS))
            group.create_task(engine.follow(PODS))
    finally:
        await engine.close()


@dataclass
class _Engine:
    """One task for each Workflow that is not over."""

    cluster: Cluster
    state_root: Path
    _tasks: dict[Key, tuple[asyncio.Event, asyncio.Task[None]]] = field(default_factory=dict)

    async def follow(self, query: Query) -> None:
        """Wake Workflows when they or their Pods change, for ever."""
        while True:
            try:
                async for event in self.cluster.watch(query):
                    if event.type != "SYNCED" and (name := _workflow_of(event.body)):
                        self._wake((event.body["metadata"]["namespace"], name))
            except Transient as error:
                log.warning("watching %ss: %s; trying again", query.kind, error)
            await asyncio.sleep(RETRY)

    def _wake(self, key: Key) -> None:
        event, task = self._tasks.get(key, (None, None))
        if event is None or task is None or task.done():
            event = asyncio.Event()
            self._tasks[key] = (event, asyncio.create_task(self._work(key, event), name=f"workflow {key[1]}"))
        event.set()
        for other in [each for each, (_, done) in self._tasks.items() if done.done()]:
            del self._tasks[other]

    async def close(self) -> None:
        """Stop all work."""
        tasks = [task for _, task in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, key: Key, changed: asyncio.Event) -> None:
        pause: float | None = 0.0
        while pause is not None or changed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await changed.wait()
            changed.clear()
            try:
                pause = await self._pass(Ref(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND, *key))
            except MlplaneError as error:
                log.warning("workflow %s: %s; trying again", key[1], error)
                pause = RETRY
            except Exception:
                # One Workflow's trouble must not end the care for the others.
                log.exception("workflow %s: unexpected", key[1])
                pause = RETRY

    async def _pass(self, ref: Ref) -> float | None:
        """Look and act once; seconds until the next look, or None if there is nothing more to do."""
        workflow = await self.cluster.get(ref)
        if workflow is None or workflow["metadata"].get("deletionTimestamp"):
            return None
        pods = await self._pods(workflow)
        collected = await self._collect(workflow, pods)
        if (workflow["metadata"].get("labels") or {}).get(COMPLETED_LABEL) == "true":
            return await self._finish(workflow, pods, collected)
        violations, now = _violations(workflow), timestamp(datetime.now(UTC))
        step = advance(workflow, pods, violations, now)
        if step.create and not await is_still_there(self.cluster, workflow):
            return None
        made, refused = await self._make(step.create)
        if refused:
            step = advance(workflow, pods | refused, violations, now)
        await self._write(workflow, step)
        # After that: of a Pod that has ended meanwhile it would not be known any more who has ended it.
        for name in step.stop:
            await _stop(self.cluster, pods[name])
        if None in made:
            return RETRY  # a Pod of that name is there, of an earlier Workflow: wait until it is gone
        if refused:
            return 0.0  # what follows from it is not done yet
        pause = POLL if made or _are_active(pods) else RESYNC
        return min([pause, *_waits(step.wake), *collected])

    async def _finish(
        self, workflow: Body, pods: Mapping[str, PodState], collected: list[float]
    ) -> float | None:
        """See to what is left of a Workflow that is over: Pods that still run, and what is to be deleted."""
        for pod in pods.values():
            if not podstates.is_over(pod.body):
                await _stop(self.cluster, pod)
        expiry = collection.expiry(workflow)
        if expiry is not None and expiry <= datetime.now(UTC):
            await self.cluster.delete(ref_of(workflow), uid=workflow["metadata"]["uid"])
            return None
        waits = [*_waits(expiry), *collected, *([POLL] if _are_active(pods) else [])]
        return min(waits, default=None)

    async def _collect(self, workflow: Body, pods: Mapping[str, PodState]) -> list[float]:
        """Delete the Pods that podGC gives up; seconds until the next ones are due."""
        now, waits = datetime.now(UTC), []
        for name, due in collection.pods_to_delete(workflow, pods).items():
            if due <= now:
                body = pods[name].body
                await self.cluster.delete(ref_of(body), uid=body["metadata"]["uid"])
            else:
                waits.append((due - now).total_seconds())
        return waits

    async def _pods(self, workflow: Body) -> dict[str, PodState]:
        meta = workflow["metadata"]
        query = Query("v1", "Pod", meta["namespace"], labels=((WORKFLOW_LABEL, meta["name"]),))
        found = await self.cluster.list(query)
        return {
            pod["metadata"]["name"]: state_of(pod, self.state_root)
            for pod in found
            if is_owned_by(pod, workflow)
        }

    async def _make(self, pods: tuple[Body, ...]) -> tuple[list[Body | None], dict[str, PodState]]:
        """Make Pods; what came of it, and those that the API server will never take."""
        made: list[Body | None] = []
        refused: dict[str, PodState] = {}
        for pod in pods:
            try:
                made.append(await self.cluster.create(pod, manager=ENGINE_MANAGER))
            except Terminal as error:
                refused[pod["metadata"]["name"]] = podstates.refused(pod, str(error))
        return made, refused

    async def _write(self, workflow: Body, step: Advance) -> None:
        """Write status and labels if they changed; the object has no status subresource."""
        meta = workflow["metadata"]
        labels = change(meta.get("labels") or {}, {**(meta.get("labels") or {}), **step.labels})
        status = change(workflow.get("status") or {}, step.status)
        if not labels and not status:
            return
        patch: Body = {"metadata": {"resourceVersion": meta["resourceVersion"]}}
        patch["metadata"] |= {"labels": labels} if labels else {}
        if POD_NAMES_ANNOTATION not in (meta.get("annotations") or {}):
            patch["metadata"]["annotations"] = {POD_NAMES_ANNOTATION: POD_NAMES}
        patch |= {"status": status} if status else {}
        await self.cluster.patch(ref_of(workflow), patch, manager=ENGINE_MANAGER)


def _violations(workflow: Body) -> list[str]:
    if (workflow.get("status") or {}).get("phase"):
        return []
    return foreign.violations(names.WORKFLOW_KIND, workflow) or problems(workflow)


def _workflow_of(body: Body) -> str:
    """The Workflow that an event is about; empty if it is about none."""
    if body["kind"] == names.WORKFLOW_KIND:
        return str(body["metadata"]["name"])
    return str((body["metadata"].get("labels") or {}).get(WORKFLOW_LABEL, ""))


def _are_active(pods: Mapping[str, PodState]) -> bool:
    return any(not podstates.is_over(pod.body) for pod in pods.values())


def _waits(*moments: datetime | None) -> Iterable[float]:
    """Seconds until these times; a little more, so that they have come then."""
    now = datetime.now(UTC)
    return [max(0.0, (each - now).total_seconds()) + 0.01 for each in moments if each is not None]


async def _stop(cluster: Cluster, pod: PodState) -> None:
    """Have the node end a Pod, which keeps its log: a deadline that is over, which it obeys."""
    if pod.body["spec"].get("activeDeadlineSeconds") != 1:
        patch = {"spec": {"activeDeadlineSeconds": 1}}
        await cluster.patch(ref_of(pod.body), patch, manager=ENGINE_MANAGER)
