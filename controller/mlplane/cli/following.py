"""Following the objects of a namespace until all stages are done. Called by ``cli.demo``."""

import asyncio

from mlplane import names
from mlplane.api.meta import Body
from mlplane.api.refs import Query
from mlplane.cli.stages import Stage, stages
from mlplane.cli.timeline import Timeline
from mlplane.cluster.port import Cluster, Event
from mlplane.errors import MlplaneError, Terminal

WATCHED = (
    ("v1", "ConfigMap"),
    *((names.API_VERSION, kind) for kind in ("Dataset", "TrainingRun", "ModelVersion", "ModelServer")),
    (names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND),
)
Changes = asyncio.Queue[Event | MlplaneError]


async def served(cluster: Cluster, namespace: str, timeline: Timeline) -> dict[tuple[str, str], Body]:
    """Follow the objects until all stages are done; what they are then.

    Raises:
        Terminal: A stage failed; the message says why.
    """
    changes: Changes = asyncio.Queue()
    queries = [Query(version, kind, namespace) for version, kind in WATCHED]
    watches = [asyncio.create_task(_watch(cluster, query, changes)) for query in queries]
    world: dict[tuple[str, str], Body] = {}
    todo = [stage.name for stage in stages(world)]
    try:
        while todo:
            todo = advance(stages(world), todo, timeline)
            if todo:
                _take_in(world, await changes.get())
    finally:
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
    return world


def advance(seen: tuple[Stage, ...], todo: list[str], timeline: Timeline) -> list[str]:
    """Finish the stages that are done, in their order; the names of those to come."""
    for stage in seen[len(seen) - len(todo) :]:
        if stage.state == "failed":
            raise Terminal(f"{stage.name} failed: {stage.detail}")
        if stage.state == "pending":
            timeline.begin(stage.name, stage.detail)
            return [other.name for other in seen[seen.index(stage) :]]
        timeline.finish(stage.name, stage.detail)
    return []


def _take_in(world: dict[tuple[str, str], Body], change: Event | MlplaneError) -> None:
    if isinstance(change, MlplaneError):
        raise change
    if change.type == "SYNCED":
        return
    key = (change.body["kind"], change.body["metadata"]["name"])
    if change.type == "DELETED":
        world.pop(key, None)
    else:
        world[key] = change.body


async def _watch(cluster: Cluster, query: Query, changes: Changes) -> None:
    try:
        async for event in cluster.watch(query):
            changes.put_nowait(event)
    except MlplaneError as error:
        changes.put_nowait(error)
