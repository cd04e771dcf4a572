"""A plane of three real processes that can be killed at any API write, seen by an observer of its own.

    controller ── proxy ──┐
                          ├── API server ── observer, and the person of the story
    engines ───── proxy ──┘

Each has its own copy of the state of a fresh plane: planes start quickly, and know nothing of each other.
"""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.crash.classes import class_of
from faults.crash.nursery import Forked
from faults.crash.oracle import UNCOMPARED, History, end_state, name_of
from faults.crash.oracle import State as EndState
from faults.processes import eventually
from faults.proxy import Hooks, Reply, Request, Reset
from mlplane import names
from mlplane.api.refs import Query, Ref
from mlplane.cluster.kube import KubeCluster
from mlplane.errors import MlplaneError, Transient
from mlplane.local.state import State

Body = dict[str, Any]
OURS = ("Dataset", "TrainingRun", "ModelVersion", "Evaluation", "ModelServer")
QUERIES = (
    *(Query(names.API_VERSION, kind) for kind in OURS),
    Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND),
    Query(names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND),
    *(Query("v1", kind) for kind in ("Pod", "ConfigMap", "Namespace", "ServiceAccount", "Node")),
)
"""What is watched and compared all the time."""
PROCESSES = ("controller", "engines", "apiserver")
PARTS = (*PROCESSES, "collector")
"""What is killed at its writes. The collector is a part of the API server: what it deletes by itself."""
PERSON = "kubectl"
SUPERVISE_S = 0.2
LOOK_S = 1.0
"""How often to look though nothing was written: the watches of the observer may be broken."""
PATIENCE_S = 120.0
"""For what a story waits for; the machine may be busy with other planes."""


@dataclass(frozen=True, order=True)
class Point:
    """A moment to kill a process at: a write of it, just before it is sent or just after it is committed.

    For the API server: a write of any client. For the collector: the n-th object that has gone, whoever
    deleted it; that is known afterwards only.
    """

    part: str
    write: int
    after: bool
    of: str = ""
    """The class whose writes are counted; empty: all are."""

    def __str__(self) -> str:
        return ":".join(
            [self.part, str(self.write), "after" if self.after else "before", *filter(None, [self.of])]
        )

    @classmethod
    def parse(cls, text: str) -> "Point":
        """The other way round."""
        part, write, side, *of = text.split(":", 3)
        return cls(part, int(write), side == "after", *of)


@dataclass
class World:
    """A plane. Made by ``launch.running``."""

    state: State
    cluster: KubeCluster
    """Without a proxy."""
    processes: dict[str, Forked]
    hold: Path
    point: Point | None = None
    history: History = field(default_factory=History)
    classes: dict[str, list[str]] = field(default_factory=lambda: {part: [] for part in PARTS})
    """What was written so far, by whom; see ``classes``."""
    killed: str = ""
    """The request at which the process was killed."""
    killed_class: str = ""
    """Which class this request is of."""
    killed_at: float = 0.0
    busy_at: float = 0.0
    """When a write was last seen; both by the clock of the event loop."""
    gateway_port: int = 0
    repository: Path = Path()
    """Manifests: what the GitOps agent follows, or the digits template, if the story has one of them."""

    @property
    def writes(self) -> dict[str, int]:
        """How many there were so far, by whom."""
        return {part: len(classes) for part, classes in self.classes.items()}

    # What the proxies tell.

    def hooks(self, client: str) -> Hooks:
        """The hooks of a client's proxy."""
        moments: dict[int, set[tuple[str, int, str]]] = {}

        async def before(request: Request) -> Reset | None:
            if request.is_write and not request.is_lease and not request.is_news:
                self.busy_at = asyncio.get_running_loop().time()
                moments[request.number] = self._count(client, class_of(request))
                if self._is_due(moments[request.number], after=False):
                    return self._crash(request)
            return None

        async def after(request: Request, reply: Reply) -> Reset | None:
            if reply.body is not None and request.number in moments:
                if reply.status < 300:
                    self.history.saw(json.loads(reply.body))
                if self._is_due(moments[request.number], after=True):
                    return self._crash(request)
            return None

        return Hooks(before=before, after=after)

    def _count(self, client: str, written: str) -> set[tuple[str, int, str]]:
        """Count a write; which one it is, for its client and the API server, of all and of its class."""
        moments = set()
        for part, name in ((client, written), ("apiserver", f"{client} {written}")):
            self.classes[part].append(name)
            moments |= {(part, len(self.classes[part]), ""), (part, self.classes[part].count(name), name)}
        return moments

    def _is_due(self, moments: set[tuple[str, int, str]], *, after: bool) -> bool:
        point = self.point
        if point is None or self.killed or point.after != after:
            return False
        return (point.part, point.write, point.of) in moments

    def _crash(self, request: Request) -> Reset:
        assert self.point is not None
        self._kill(str(request))
        return Reset()

    def _kill(self, at: str) -> None:
        assert self.point is not None
        self.killed, self.killed_at = at, asyncio.get_running_loop().time()
        self.killed_class = self.point.of or self.classes[self.point.part][self.point.write - 1]
        process = self.processes["apiserver" if self.point.part == "collector" else self.point.part]
        # Nothing is awaited here: the proxy gives up a request whose client dies, and with it this call.
        process.kill()
        process.start()

    # The person of the story.

    async def do(self, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do something until the API server has taken it, as a person tries again."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    return await act()
                except Transient:
                    await asyncio.sleep(0.05)

    async def create(self, *bodies: Body) -> None:
        for body in bodies:
            await self.do(lambda body=body: self.cluster.create(body, manager=PERSON))

    async def patch(self, ref: Ref, patch: Body) -> None:
        await self.do(lambda: self.cluster.patch(ref, patch, manager=PERSON))

    async def delete(self, ref: Ref) -> None:
        """Delete the object that now has this name, and no later one."""
        body = await self.do(lambda: self.cluster.get(ref))
        assert body is not None, ref
        await self.do(lambda: self.cluster.delete(ref, uid=body["metadata"]["uid"]))

    async def get(self, ref: Ref) -> Body:
        """The object; empty if there is none, or nobody answers now."""
        with suppress(Transient):
            return await self.cluster.get(ref) or {}
        return {}

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        news = self.news()

        async def look_at_news() -> Any:
            return await look() if news() else None

        return await eventually(look_at_news, what, PATIENCE_S, every=0.1)

    def news(self) -> Callable[[], bool]:
        """Tells whether something was written since it was asked last, or that some time has passed."""
        clock, seen, at = asyncio.get_running_loop().time, -1.0, 0.0

        def is_new() -> bool:
            nonlocal seen, at
            if self.busy_at == seen and clock() < at + LOOK_S:
                return False
            seen, at = self.busy_at, clock()
            return True

        return is_new

    async def until_condition(self, ref: Ref, type_: str, status: str = "True", reason: str = "") -> None:
        """Wait until a condition of the present generation has the status, and the reason if one is given."""

        async def holds() -> bool:
            body = await self.get(ref)
            return any(
                c["type"] == type_
                and c["status"] == status
                and reason in ("", c["reason"])
                and c.get("observedGeneration") == body["metadata"]["generation"]
                for c in (body.get("status") or {}).get("conditions") or ()
            )

        await self.until(holds, f"{ref} {type_}={status} {reason}")

    async def until_gone(self, ref: Ref) -> None:
        async def is_gone() -> bool:
            with suppress(Transient):
                return await self.cluster.get(ref) is None
            return False

        await self.until(is_gone, f"{ref} is gone")

    def hold_step(self, step: str) -> None:
        """Have every container of this step wait."""
        (self.hold / step).touch()

    def release_step(self, step: str) -> None:
        (self.hold / step).unlink(missing_ok=True)

    async def until_step_runs(self, workflow: Ref, step: str) -> Body:
        """The Pod of a step, once its container runs."""

        async def look() -> Body | None:
            with suppress(MlplaneError):
                for pod in await self.cluster.list(Query("v1", "Pod", workflow.namespace)):
                    labels = pod["metadata"].get("labels") or {}
                    is_its = labels.get("workflows.argoproj.io/workflow") == workflow.name
                    runs = (pod.get("status") or {}).get("phase") == "Running"
                    if is_its and runs and f"-{step}-" in pod["metadata"]["name"]:
                        return pod
            return None

        return await self.until(look, f"step {step} of {workflow} runs")

    def lose(self, pod: Body) -> None:
        """Kill all that runs in a Pod and who looks after it, as if the machine had been cut off."""
        folder = State(self.state.root / "engines").pod(pod["metadata"]["uid"]) / "run" / "main" / "0"
        shim, child = (json.loads((folder / f"{name}.json").read_text())["pid"] for name in ("shim", "child"))
        os.kill(shim, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)

    async def supervise(self) -> None:
        """Start again what has ended by itself, for ever, as ``mlplane up`` does."""
        while True:
            for process in self.processes.values():
                if process.has_ended():
                    process.start()
            await asyncio.sleep(SUPERVISE_S)

    # The observer.

    async def watch(self, query: Query) -> None:
        """Remember every event, for ever."""
        async with aclosing(self.cluster.watch(query)) as events:
            async for event in events:
                if event.type == "SYNCED":
                    continue
                self.history.saw(event.body)
                self.busy_at = asyncio.get_running_loop().time()
                if event.type == "DELETED":
                    self._count_deletion(event.body)

    def _count_deletion(self, body: Body) -> None:
        self.classes["collector"].append(body["kind"])
        due = (self.point.part, self.point.write) if self.point and not self.killed else None
        if due == ("collector", self.writes["collector"]):
            self._kill(f"the end of {name_of(body)}")

    async def bodies(self) -> list[Body]:
        """All objects of the kinds that are compared; raises Transient while nobody answers."""
        found = [await self.cluster.list(query) for query in QUERIES]
        return [body for bodies in found for body in bodies]

    async def everything(self) -> list[Body]:
        """All objects of all kinds that can be listed, but those that are never compared."""
        found: list[Body] = []
        for api_version, kind in await self._kinds():
            if kind not in UNCOMPARED:
                found += await self.cluster.list(Query(api_version, kind))
        return found

    async def _kinds(self) -> list[tuple[str, str]]:
        ask = self.cluster._transport.request
        groups = (await ask("GET", "/apis")).checked("discovery")["groups"]
        versions = ["v1", *(version["groupVersion"] for group in groups for version in group["versions"])]
        kinds: list[tuple[str, str]] = []
        for version in versions:
            path = f"/api/{version}" if version == "v1" else f"/apis/{version}"
            resources = (await ask("GET", path)).checked("discovery")["resources"]
            listed = [r for r in resources if "list" in r["verbs"] and "/" not in r["name"]]
            kinds += [(version, resource["kind"]) for resource in listed]
        return kinds

    def end_state(self, bodies: list[Body]) -> EndState:
        folder = self.state.root
        replaced = {str(folder): "STATE", str(folder.parent): "PLANES", f":{self.gateway_port}": ":PORT"}
        return end_state(bodies, replaced)
