"""Plays the GitOps agent, as Argo CD or Flux would: keeps a namespace as a path of a git repository says.

It applies the manifests of a commit, deletes what the commit has no more, and puts back what was changed by
hand. A commit with one invalid file is not applied at all, nor is one that nobody who may has signed, that
is no successor of the one before, or that would delete most of what there is. What came of it is in the
ConfigMap ``mlplane-gitops``. Called by ``following``; an ordinary client of the API server.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.refs import Query, ref_of
from mlplane.cluster.events import News, Recorder
from mlplane.cluster.port import Cluster
from mlplane.errors import MlplaneError, Terminal, Transient
from mlplane.gitops import commits, git, sync, trailers
from mlplane.gitops.committed import source_label, valid_documents
from mlplane.gitops.drift import drift_of
from mlplane.gitops.lock import SUFFIXES
from mlplane.local.agentrecord import Progress, Record, Result


@dataclass(frozen=True)
class Agent:
    """One path of one repository and the namespace that is to be as it says."""

    cluster: Cluster
    recorder: Recorder
    repo: Path
    path: str
    revision: str
    namespace: str


async def settle(agent: Agent, commit: str, verdict: Result | None = None) -> bool:
    """One sync and its record; False where another try may help soon.

    Args:
        agent: What is followed.
        commit: The commit to be at; empty if there is none.
        verdict: What is wrong with the commit as a whole, so that it is not applied.

    Raises:
        MlplaneError: The server does not answer, or does not take the record.
    """
    record = await record_of(agent)
    result = verdict or await _synchronise(agent, commit, await record.progress())
    await record.write(commit, result)
    return result.outcome != "Failed"


async def record_of(agent: Agent) -> Record:
    """Where it says what came of the newest sync."""
    where = f"{agent.path} at {agent.revision}"
    try:
        label = await asyncio.to_thread(source_label, agent.repo, where)
    except Terminal:
        label = ""
    return Record(agent.cluster, agent.recorder, agent.namespace, where, label)


async def _synchronise(agent: Agent, commit: str, progress: Progress) -> Result:
    """Make the namespace agree with the commit, from where it is."""
    if not commit:
        return Result("Invalid", [await asyncio.to_thread(_nothing_to_follow, agent)])
    live = await _live(agent)
    try:
        confirmed = await asyncio.to_thread(_confirmed, agent, commit, progress)
        desired = await asyncio.to_thread(_desired, agent, commit, is_known=bool(live))
    except _Held as error:
        return Result("Held", [str(error)])
    except MlplaneError as error:
        return Result("Invalid", [str(error)])
    try:
        todo = sync.plan(desired, live, may_prune=sync.CONFIRMED in confirmed.get(trailers.PRUNE, ()))
    except Terminal as error:
        return Result("Refused", [str(error)])
    errors = await _carry_out(agent, todo, live, commit, was_applied=commit == progress.applied)
    return Result("Failed" if errors else "Synced", errors)


def _nothing_to_follow(agent: Agent) -> str:
    """Why there is no commit, in git's words."""
    try:
        git.resolve(agent.repo, agent.revision)
    except Terminal as error:
        return str(error)
    return f"{agent.revision} has just come"


class _Held(Terminal):
    """A commit that is no successor of the one that was applied."""


def _confirmed(agent: Agent, commit: str, progress: Progress) -> commits.Trailers:
    """What the commits confirm that are not carried out yet, each of them in full.

    Raises:
        _Held: They do not follow the one that was applied.
        Terminal: Nobody can see whether they do, in a shallow clone.
    """
    applied, found = progress.applied, commits.confirmations(agent.repo, commit, progress.synced)
    if not applied or commits.descends(agent.repo, commit, applied):
        return found
    if commits.confirms_rewind(found, applied):
        return found
    git.require_history(agent.repo)
    raise _Held(
        f"commit {commit[:12]} does not follow {applied[:12]}, which was applied: history was rewritten, or "
        f"{agent.revision} was moved. Nothing was applied: push the commits again, or, to leave them, "
        f'commit (git commit --allow-empty) with the trailer "{trailers.REWIND}: {applied}"'
    )


def _desired(agent: Agent, commit: str, *, is_known: bool) -> list[Body]:
    """All manifests of the commit, valid and prepared.

    A directory that has gone is one without manifests, where objects came from it.

    Raises:
        InvalidInput: With every fault of every file.
        Terminal: The directory is not there, or holds what may not be there.
    """
    path = agent.path.strip("/")
    if is_known and path not in ("", ".") and not git.object_ids(agent.repo, [f"{commit}:{path}"]):
        return []
    documents = valid_documents(git.read_files(agent.repo, commit, agent.path, SUFFIXES))
    source = source_label(agent.repo, agent.path)
    return [sync.prepared(d.body, namespace=agent.namespace, source=source) for d in documents]


async def _live(agent: Agent) -> list[Body]:
    """The objects that came from this path of this repository."""
    label = await asyncio.to_thread(source_label, agent.repo, agent.path)
    labels = ((names.SOURCE_LABEL, label),)
    queries = [Query(names.API_VERSION, kind, agent.namespace, labels) for kind in KINDS]
    return [body for found in await asyncio.gather(*map(agent.cluster.list, queries)) for body in found]


async def _carry_out(
    agent: Agent, todo: sync.Sync, live: Sequence[Body], commit: str, *, was_applied: bool
) -> list[str]:
    """Apply all of it; what goes wrong with one object does not keep the others.

    Data come first: a run that comes with another version of its data must not find the one before. What is
    in the commit no more is deleted last, and only where all of the commit is there: what should take its
    place may be what the server has refused.
    """
    known = {ref_of(body): body for body in live}

    def apply(body: Body) -> Awaitable[str]:
        return _apply(agent, body, known.get(ref_of(body)), commit, was_applied=was_applied)

    data = [body for body in todo.apply if body["kind"] == "Dataset"]
    rest = [body for body in todo.apply if body["kind"] != "Dataset"]
    outcomes = [*await asyncio.gather(*map(apply, data)), *await asyncio.gather(*map(apply, rest))]
    if errors := list(filter(None, outcomes)):
        staying = ", ".join(str(ref_of(body)) for body in todo.prune)
        return [*errors, f"not deleted until then: {staying}"] if staying else errors
    return list(filter(None, await asyncio.gather(*(_delete(agent, body) for body in todo.prune))))


async def _apply(agent: Agent, body: Body, found: Body | None, commit: str, *, was_applied: bool) -> str:
    try:
        written = await agent.cluster.apply(sync.at_commit(body, commit), manager=names.GITOPS_MANAGER)
    except (Terminal, Transient) as error:
        return f"{ref_of(body)}: {error}"
    if said := _put_back(body, found, was_applied=was_applied):
        agent.recorder.tell(written, News("Warning", "ManualChange", said))
    return ""


def _put_back(wanted: Body, found: Body | None, *, was_applied: bool) -> str:
    """What was done past git, as a sentence; empty if nothing was."""
    if found is None:
        return "made again, after it was deleted: to delete it, delete it in git" if was_applied else ""
    drift = drift_of(wanted, found, was_applied=was_applied)
    return str(drift) if drift else ""


async def _delete(agent: Agent, body: Body) -> str:
    ref = ref_of(body)
    try:
        await agent.cluster.delete(ref, uid=body["metadata"]["uid"])
    except (Terminal, Transient) as error:
        return f"{ref}: {error}"
    return ""
