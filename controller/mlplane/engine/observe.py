"""Read what a decision needs, all at once. Called by ``loop``."""

import asyncio
from collections.abc import Iterable

from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref
from mlplane.cluster.port import Cluster
from mlplane.reconcilers.plan import Observed


async def observe(cluster: Cluster, wanted: Iterable[Ref | Query]) -> Observed:
    """Each object and each list that is wanted.

    Raises:
        Transient: The first failure of that family; nothing is known then.
        Terminal: A kind is not installed, or reading it is not allowed.
    """
    items = list(dict.fromkeys(wanted))
    refs = [item for item in items if isinstance(item, Ref)]
    queries = [item for item in items if isinstance(item, Query)]
    objects, lists = await asyncio.gather(_objects(cluster, refs), _lists(cluster, queries))
    return Observed(dict(zip(refs, objects, strict=True)), dict(zip(queries, lists, strict=True)))


async def _objects(cluster: Cluster, refs: list[Ref]) -> list[Body | None]:
    return await asyncio.gather(*(cluster.get(ref) for ref in refs))


async def _lists(cluster: Cluster, queries: list[Query]) -> list[tuple[Body, ...]]:
    return [tuple(found) for found in await asyncio.gather(*(cluster.list(query) for query in queries))]
