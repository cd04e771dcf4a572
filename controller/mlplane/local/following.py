"""Follows a revision of a git repository: each of its environments is kept as the newest commit says.

The environments are those of ``promotion.yaml`` that name no context of their own, for these are on this
cluster; or one path, where the operator names it. Started by ``local.engines``.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlplane.cluster.events import Recorder
from mlplane.cluster.port import Cluster
from mlplane.errors import InvalidInput, MlplaneError, Terminal
from mlplane.gitops import commits, environments, git
from mlplane.local.agent import Agent, record_of, settle
from mlplane.local.agentrecord import Result
from mlplane.names import GITOPS_MANAGER

POLL_SECONDS = 0.3
CHECK_SECONDS = 30.0
"""How often a namespace is compared with a commit that did not change."""
RETRY_SECONDS = 1.0
"""First pause after a failure; each further one doubles it."""

log = logging.getLogger(__name__)

Prepare = Callable[[str], Awaitable[None]]
"""Makes a namespace, and what people need in it."""


async def _as_it_is(_namespace: str) -> None:
    """For a namespace that is there."""


@dataclass(frozen=True)
class Source:
    """What is followed."""

    repo: Path
    path: str | None
    """None: the environments of ``promotion.yaml``, or all of the repository where there is none."""
    revision: str
    namespace: str
    """Of the path, or of the repository without environments."""
    signers: Path | None = None


@dataclass
class _Pace:
    """When a namespace is looked at again."""

    seen: str = ""
    again: float = 0.0
    pause: float = field(default_factory=lambda: RETRY_SECONDS)
    is_ready: bool = False
    """Whether the namespace has been prepared."""

    def is_due(self, commit: str) -> bool:
        return commit != self.seen or time.monotonic() >= self.again

    def note(self, commit: str, *, settled: bool) -> None:
        """Look again after a while, soon if it did not work."""
        fresh = settled or commit != self.seen
        self.pause = RETRY_SECONDS if fresh else min(2 * self.pause, CHECK_SECONDS)
        self.again = time.monotonic() + (CHECK_SECONDS if settled else self.pause)
        self.seen = commit


async def follow(cluster: Cluster, source: Source, prepare: Prepare = _as_it_is) -> None:
    """Follow for ever; no error of the repository, the manifests or the server ends it."""
    recorder = Recorder(cluster, GITOPS_MANAGER)
    async with asyncio.TaskGroup() as group:
        group.create_task(recorder.run(), name="events")
        group.create_task(_Following(cluster, recorder, source, prepare).run(), name="agent")


class _Following:
    """The environments of a source, and how far each is."""

    def __init__(self, cluster: Cluster, recorder: Recorder, source: Source, prepare: Prepare) -> None:
        self._cluster = cluster
        self._recorder = recorder
        self._source = source
        self._prepare = prepare
        self._known: tuple[Agent, ...] = ()
        """The environments of the newest commit that could be read, and trusted."""
        self._paces: dict[Agent, _Pace] = {}
        self._seen = ""

    async def run(self) -> None:
        while True:
            commit = await self._head()
            if commit != self._seen or not self._paces or any(p.is_due(commit) for p in self._paces.values()):
                await self._look(commit)
                self._seen = commit
            await asyncio.sleep(POLL_SECONDS)

    async def _head(self) -> str:
        """The commit to be at; empty if the repository or the revision is not there."""
        try:
            return await asyncio.to_thread(git.resolve, self._source.repo, self._source.revision)
        except Terminal:
            return ""

    async def _look(self, commit: str) -> None:
        """Sync each environment that is due."""
        verdict = await asyncio.to_thread(self._verdict, commit)
        if verdict is None and commit:
            try:
                self._known = await asyncio.to_thread(self._named, commit)
            except MlplaneError as error:
                verdict = Result("Invalid", [str(error)])
        agents = self._known or (self._whole(),)
        for agent in [agent for agent in self._paces if agent not in agents]:
            await self._leave(agent, commit)
        for agent in agents:
            await self._look_at(agent, commit, verdict)

    def _verdict(self, commit: str) -> Result | None:
        """Why nobody may apply the commit, if the operator wants signatures."""
        if self._source.signers is None or not commit:
            return None
        try:
            commits.require_signature(self._source.repo, commit, self._source.signers)
        except Terminal as error:
            return Result("Untrusted", [str(error)])
        return None

    def _named(self, commit: str) -> tuple[Agent, ...]:
        """The environments that a commit names. Raises MlplaneError if it cannot be read."""
        repo, file = self._source.repo, environments.FILE
        if self._source.path is not None or not git.object_ids(repo, [f"{commit}:{file}"]):
            return (self._whole(),)
        # Of a symbolic link this is the name that it leads to, which is no list of environments.
        content = git.run(repo, "cat-file", "blob", f"{commit}:{file}").stdout
        try:
            promotion = environments.parse(content.decode("utf-8-sig"), file)
        except UnicodeDecodeError as error:
            raise InvalidInput(f"{file}: not UTF-8 (byte {error.start})") from error
        return tuple(self._agent(e.path, e.namespace) for e in promotion.environments if e.context is None)

    def _whole(self) -> Agent:
        """The path that the operator has named, or all of the repository."""
        return self._agent(self._source.path or ".", self._source.namespace)

    def _agent(self, path: str, namespace: str) -> Agent:
        source = self._source
        return Agent(self._cluster, self._recorder, source.repo, path, source.revision, namespace)

    async def _look_at(self, agent: Agent, commit: str, verdict: Result | None) -> None:
        pace = self._paces.setdefault(agent, _Pace())
        if not pace.is_due(commit):
            return
        settled = False
        try:
            if not pace.is_ready:
                await self._prepare(agent.namespace)
                pace.is_ready = True
            settled = await settle(agent, commit, verdict)
        except MlplaneError as error:
            log.warning("%s: commit %s: %s", agent.namespace, commit[:12] or "unknown", error)
        pace.note(commit, settled=settled)

    async def _leave(self, agent: Agent, commit: str) -> None:
        """Say that an environment is followed no more; its objects stay as they are."""
        self._paces.pop(agent, None)
        why = f"{environments.FILE} does not name it any more: its objects stay, and nothing changes them"
        try:
            await (await record_of(agent)).write(commit, Result("Left", [why]))
        except MlplaneError as error:
            log.warning("%s: %s: %s", agent.namespace, why, error)
