"""``mlplane store copy``: artifacts of one environment's store come into that of another."""

import asyncio
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected
from mlplane.cli.storeaccess import StoreUrl, opened

if TYPE_CHECKING:
    from mlplane.store.artifacts import Store


def copy(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF...", help="store:// URI, or name of a ModelVersion: with its reports."),
    ],
    *,
    to: Annotated[str, typer.Option("--to", help="URL of the other store.")],
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Copy artifacts, verified on both sides. What is there is not copied again; a broken copy goes on."""
    from mlplane.store.artifacts import Store

    source, target = opened(store, kubeconfig), Store(to)
    uris = _uris(refs, kubeconfig, namespace)
    _copy_all(uris, source, target)


def _copy_all(uris: list[str], source: "Store", target: "Store") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from mlplane.store.copying import copy as copy_one

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        for uri in uris:
            size = sum(entry.size for entry in source.manifest(uri).files)
            task = progress.add_task(uri[:40], total=size)
            is_new = copy_one(uri, source, target, functools.partial(progress.advance, task))
            typer.echo(f"{'copied' if is_new else 'was there'} {uri} ({size:,} bytes, verified)")


def _uris(refs: list[str], kubeconfig: Path | None, namespace: str) -> list[str]:
    """The artifacts that are meant, each once."""
    from mlplane.store.uris import SCHEME

    names = [ref for ref in refs if not ref.startswith(SCHEME)]
    found = asyncio.run(_of_versions(names, kubeconfig, namespace)) if names else {}
    listed = [uri for ref in refs for uri in found.get(ref, [ref])]
    return list(dict.fromkeys(listed))


async def _of_versions(names: list[str], kubeconfig: Path | None, namespace: str) -> dict[str, list[str]]:
    """The model and the reports of each version, from the cluster."""
    from mlplane import names as known
    from mlplane.api.reading import at, text
    from mlplane.api.refs import Query
    from mlplane.errors import InvalidInput

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        versions = await cluster.list(Query(known.API_VERSION, "ModelVersion", chosen))
        evaluations = await cluster.list(Query(known.API_VERSION, "Evaluation", chosen))
    uris = {body["metadata"]["name"]: [text(at(body, "spec", "artifact", "uri"))] for body in versions}
    if unknown := [name for name in names if name not in uris]:
        there = ", ".join(sorted(uris)) or "none"
        raise InvalidInput(f'no ModelVersion "{unknown[0]}" in namespace {chosen}; there are: {there}')
    for body in evaluations:
        report = text(at(body, "spec", "recorded", "report")) or text(at(body, "status", "report"))
        name = text(at(body, "spec", "modelVersion", "name"))
        if report and name in uris:
            uris[name].append(report)
    return uris
