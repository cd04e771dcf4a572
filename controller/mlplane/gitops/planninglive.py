"""The two sides of a plan, of which one is a cluster: what is there, and what applying would make of it.

The server is asked by server-side apply as a dry run, so that what was changed by hand shows, too, and what
only a server knows. Reads only. Called by ``cli.plan``.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from mlplane import names
from mlplane.api import KINDS
from mlplane.api.meta import Body
from mlplane.api.reading import at, text
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.discovery import UnknownKind
from mlplane.cluster.kube import KubeCluster
from mlplane.errors import Terminal
from mlplane.gitops.committed import source_label
from mlplane.gitops.planning import Sides
from mlplane.gitops.planningsides import in_worktree, is_prune_confirmed
from mlplane.gitops.sync import RECORD

_CHILDREN = (
    (names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND),
    (names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND),
)


async def sides_of_cluster(cluster: KubeCluster, repo: Path, path: str, namespace: str) -> Sides:
    """What a namespace holds, and what it would hold with the working tree of a path applied.

    Raises:
        InvalidInput: A manifest is wrong.
        Terminal: The cluster may not be read, or lacks the kinds of mlplane.
        Transient: It does not answer.
    """
    source = await asyncio.to_thread(source_label, repo, path)
    live = await _live(cluster, namespace)
    present = {ref_of(body): body for body in live}
    own = {ref for ref, body in present.items() if _came_from(body, source)}
    desired = await asyncio.to_thread(in_worktree, repo, path, namespace, is_known=bool(own))
    answers = await asyncio.gather(*(_applied(cluster, body) for body in desired.values()))
    after = dict(zip(desired, (answer[0] for answer in answers), strict=True))
    return Sides(
        path=path,
        namespace=namespace,
        before={ref: present[ref] for ref in present if ref in own or ref in desired},
        after=after,
        before_name="the cluster",
        after_name="the working tree",
        owned=len(own),
        may_prune=await asyncio.to_thread(is_prune_confirmed, repo, await _synced_commit(cluster, namespace)),
        live=tuple(live),
        refused=_refused(dict(zip(desired, (answer[1] for answer in answers), strict=True))),
    )


async def _synced_commit(cluster: KubeCluster, namespace: str) -> str:
    """The commit that the local plane's agent has applied in full; empty where there is another agent."""
    record = await cluster.get(Ref("v1", "ConfigMap", namespace, RECORD))
    return text(at(record, "data", "synced"))


async def _live(cluster: KubeCluster, namespace: str) -> list[Body]:
    """Everything in the namespace that decisions depend on, but for what is being deleted."""
    kinds = [*((names.API_VERSION, kind) for kind in KINDS), *_CHILDREN]
    found = await asyncio.gather(*(_listed(cluster, Query(*kind, namespace)) for kind in kinds))
    return [body for bodies in found for body in bodies if not at(body, "metadata", "deletionTimestamp")]


async def _listed(cluster: KubeCluster, query: Query) -> list[Body]:
    try:
        return await cluster.list(query)
    except UnknownKind:
        if query.api_version == names.API_VERSION:
            raise
        return []  # where there is no such kind, there is no such object


async def _applied(cluster: KubeCluster, body: Body) -> tuple[Body, str]:
    """What the server would make of a manifest; the manifest, and why, where it would not take it."""
    try:
        return await cluster.rehearse(body, manager=names.GITOPS_MANAGER), ""
    except Terminal as error:
        return body, str(error)


def _refused(answers: Mapping[Ref, str]) -> dict[Ref, str]:
    return {ref: why for ref, why in answers.items() if why}


def _came_from(body: Body, source: str) -> bool:
    return body["kind"] in KINDS and at(body, "metadata", "labels", names.SOURCE_LABEL) == source
