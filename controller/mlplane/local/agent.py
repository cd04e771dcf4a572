"""Plays the GitOps agent, as Argo CD or Flux would: keeps a namespace as a path of a git repository says.

It follows a revision: applies the manifests of its newest commit, deletes what the commit has no more, and
puts back what was changed by hand. A commit with one invalid file is not applied at all. What came of it is
in the ConfigMap ``mlplane-gitops``. Started by ``local.engines``; an ordinary client of the API server.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.errors import InvalidInput, MlplaneError, Terminal, Transient
from mlplane.gitops import git, sync
from mlplane.gitops.lock import SUFFIXES
from mlplane.gitops.manifest import Document, load
from mlplane.gitops.pins import identity
from mlplane.gitops.validate import judge

POLL_SECONDS = 0.3
CHECK_SECONDS = 30.0
"""How often a namespace is compared with a commit that did not change."""
RETRY_SECONDS = 1.0
"""First pause after a failure; each further one doubles it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Agent:
    """One path of one repository and the namespace that is to be as it says."""

    cluster: Cluster
    repo: Path
    path: str
    revision: str
    namespace: str

    @property
    def record(self) -> Ref:
        """The ConfigMap that says what came of the newest sync."""
        return Ref("v1", "ConfigMap", self.namespace, sync.RECORD)


async def run_agent(cluster: Cluster, *, repo: Path, path: str, revision: str, namespace: str) -> None:
    """Follow the revision for ever; no error of the repository, the manifests or the server ends it."""
    agent = Agent(cluster, repo, path, revision, namespace)
    seen, again, pause = "", 0.0, RETRY_SECONDS
    while True:
        commit = await _head(agent)
        if commit != seen or time.monotonic() >= again:
            settled = await _settle(agent, commit)
            pause = RETRY_SECONDS if settled or commit != seen else min(2 * pause, CHECK_SECONDS)
            again = time.monotonic() + (CHECK_SECONDS if settled else pause)
            seen = commit
        await asyncio.sleep(POLL_SECONDS)


async def _head(agent: Agent) -> str:
    """The commit to be at; empty if the repository or the revision is not there."""
    try:
        return await asyncio.to_thread(git.resolve, agent.repo, agent.revision)
    except Terminal:
        return ""


async def _settle(agent: Agent, commit: str) -> bool:
    """One sync and its record; False where another try may help soon."""
    try:
        outcome, errors = await synchronise(agent, commit)
        await _write_record(agent, commit, outcome, errors)
    except MlplaneError as error:
        log.warning("commit %s: %s", commit[:12] or "unknown", error)
        return False
    return outcome != "Failed"


async def synchronise(agent: Agent, commit: str) -> tuple[str, list[str]]:
    """Make the namespace agree with the commit.

    Returns:
        The outcome and its errors. Synced: it agrees. Invalid: a manifest is wrong, nothing was applied.
        Refused: the agent does not do what is asked. Failed: the server refused some of it.
    """
    try:
        desired = await asyncio.to_thread(_desired, agent, commit)
    except MlplaneError as error:
        return "Invalid", [str(error)]
    live = await _live(agent)
    try:
        todo = sync.plan(desired, live)
    except Terminal as error:
        return "Refused", [str(error)]
    errors = await _carry_out(agent, todo, commit)
    return ("Failed", errors) if errors else ("Synced", [])


def _desired(agent: Agent, commit: str) -> list[Body]:
    """All manifests of the commit, valid and prepared. Raises InvalidInput with every fault of every file."""
    if not commit:
        git.resolve(agent.repo, agent.revision)  # raises with git's words
    files = git.read_files(agent.repo, commit, agent.path, SUFFIXES)
    documents = _valid(files)
    source = _source(agent)
    return [sync.prepared(d.body, namespace=agent.namespace, source=source) for d in documents]


def _valid(files: dict[str, bytes]) -> list[Document]:
    """The objects of our kinds; raises InvalidInput with every fault of every file.

    Other kinds, such as a Kustomization for another agent, are left out.
    """
    documents: list[Document] = []
    faults: list[str] = []
    for name, content in files.items():
        try:
            documents += load(content.decode("utf-8-sig"), name)
        except InvalidInput as error:
            faults.append(str(error))
        except UnicodeDecodeError as error:
            faults.append(f"{name}: not UTF-8 (byte {error.start})")
    faults += [str(finding) for finding in judge(documents) if finding.severity == "error"]
    if faults:
        raise InvalidInput("\n".join(faults))
    return [document for document in documents if document.body["apiVersion"] == names.API_VERSION]


def _source(agent: Agent) -> str:
    urls = git.remote_urls(agent.repo)
    return sync.source_of(identity(urls[0]) if urls else str(agent.repo.resolve()), agent.path)


async def _live(agent: Agent) -> list[Body]:
    """The objects that came from this path of this repository."""
    labels = ((names.SOURCE_LABEL, await asyncio.to_thread(_source, agent)),)
    queries = [Query(names.API_VERSION, kind, agent.namespace, labels) for kind in KINDS]
    return [body for found in await asyncio.gather(*map(agent.cluster.list, queries)) for body in found]


async def _carry_out(agent: Agent, todo: sync.Sync, commit: str) -> list[str]:
    """Apply and delete all of it; what goes wrong with one object does not keep the others."""
    steps = [_apply(agent, body, commit) for body in todo.apply]
    steps += [_delete(agent, body) for body in todo.prune]
    outcomes = await asyncio.gather(*steps)
    return [outcome for outcome in outcomes if outcome]


async def _apply(agent: Agent, body: Body, commit: str) -> str:
    ref = ref_of(body)
    try:
        await agent.cluster.apply(sync.at_commit(body, commit), manager=names.GITOPS_MANAGER)
    except (Terminal, Transient) as error:
        return f"{ref}: {error}"
    return ""


async def _delete(agent: Agent, body: Body) -> str:
    ref = ref_of(body)
    try:
        await agent.cluster.delete(ref, uid=body["metadata"]["uid"])
    except (Terminal, Transient) as error:
        return f"{ref}: {error}"
    return ""


async def _write_record(agent: Agent, commit: str, outcome: str, errors: list[str]) -> None:
    """Write the outcome, unless it says so already."""
    data = {
        "commit": commit,
        "outcome": outcome,
        "errors": "\n".join(errors),
        "source": f"{agent.path} at {agent.revision}",
    }
    known = (await agent.cluster.get(agent.record) or {}).get("data") or {}
    if known == data | {"time": known.get("time")}:
        return
    record = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": sync.RECORD, "namespace": agent.namespace},
        "data": data | {"time": timestamp(datetime.now(UTC))},
    }
    await agent.cluster.apply(record, manager=names.GITOPS_MANAGER)
    log.info("%s %s from commit %s", outcome, data["source"], commit[:12])
