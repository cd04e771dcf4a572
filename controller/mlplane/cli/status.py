"""``mlplane status``: every object of a namespace, what it came from, how it is and what to do next."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected, run

if TYPE_CHECKING:
    from mlplane.api.meta import Body
    from mlplane.cluster.port import Cluster

WATCH_SECONDS = 1.0


def status(
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on until interrupted.")] = False,
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o", help="Form.")] = "text",
) -> None:
    """Show datasets, runs, model versions and servers as a tree."""
    run(_watch(kubeconfig, namespace) if watch and output == "text" else _once(kubeconfig, namespace, output))


async def _once(kubeconfig: Kubeconfig, namespace: str, output: str) -> None:
    import json
    from dataclasses import asdict

    from rich.console import Console

    from mlplane.cli.paint import overview
    from mlplane.cli.tree import tree

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        bodies, record = await _read(cluster, chosen)
    now = datetime.now(UTC)
    nodes = tree(bodies, now)
    if output == "json":
        print(
            json.dumps({"git": (record or {}).get("data"), "objects": [asdict(n) for n in nodes]}, indent=2)
        )
    else:
        Console(highlight=False).print(overview(nodes, record, now))


async def _watch(kubeconfig: Kubeconfig, namespace: str) -> None:
    from rich.live import Live

    from mlplane.cli.paint import overview
    from mlplane.cli.tree import tree

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        with Live(auto_refresh=False) as live:
            while True:
                bodies, record = await _read(cluster, chosen)
                now = datetime.now(UTC)
                live.update(overview(tree(bodies, now), record, now), refresh=True)
                await asyncio.sleep(WATCH_SECONDS)


async def _read(cluster: "Cluster", namespace: str) -> tuple[list["Body"], "Body | None"]:
    """All objects of our kinds, and the record of the GitOps agent."""
    from mlplane import names
    from mlplane.api import KINDS
    from mlplane.api.refs import Query, Ref
    from mlplane.gitops.sync import RECORD

    queries = [Query(names.API_VERSION, kind, namespace) for kind in KINDS]
    lists = await asyncio.gather(*map(cluster.list, queries))
    record = await cluster.get(Ref("v1", "ConfigMap", namespace, RECORD))
    return [body for bodies in lists for body in bodies], record
