"""``mlplane store``: how much lies in the store, who uses it, what may go; ``copy`` is in ``storecopy``."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, connected
from mlplane.cli.storeaccess import StoreUrl, opened
from mlplane.cli.storecopy import copy

if TYPE_CHECKING:
    from mlplane.api.meta import Body
    from mlplane.gitops.collecting import Fate

store = typer.Typer(no_args_is_help=True, help="Look at the artifact store, clean it, copy from it.")
store.command()(copy)

Manifests = Annotated[
    list[Path] | None,
    typer.Option("--manifests", help="Files or directories whose objects use the store, too; repeatable."),
]


@store.command()
def du(manifests: Manifests = None, store: StoreUrl = "", kubeconfig: Kubeconfig = None) -> None:
    """Show how much each name takes up, and who uses it."""
    from mlplane.cli.storetables import show, usage

    url = opened(store, kubeconfig).url
    show(usage(_fates(url, manifests or [], kubeconfig)))


@store.command()
def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete; else only say what would go.")] = False,
    manifests: Manifests = None,
    store: StoreUrl = "",
    kubeconfig: Kubeconfig = None,
) -> None:
    """Delete what nothing uses; without --delete, say what would go, what stays and why.

    Give --manifests for what is in git and not on this cluster, such as other environments of the same store.
    """
    from mlplane.cli.storetables import plan, show
    from mlplane.gitops.collecting import YOUNG
    from mlplane.store.inventory import remove_broken_uploads

    url = opened(store, kubeconfig).url
    fates = _fates(url, manifests or [], kubeconfig)
    show(plan(fates))
    gone = [fate for fate in fates if fate.goes]
    if not delete:
        typer.echo(f"{len(gone)} would go, nothing was deleted: run it with --delete")
        return
    typer.echo(f"{sum([_delete(url, fate) for fate in gone])} were deleted")
    if broken := remove_broken_uploads(url, datetime.now(UTC) - YOUNG):
        typer.echo(f"{broken} files of broken uploads were deleted")


def _delete(url: str, fate: "Fate") -> bool:
    """Whether it is gone; says so."""
    from mlplane.gitops.collecting import YOUNG
    from mlplane.store.inventory import remove

    is_gone = remove(url, fate.stored, datetime.now(UTC) - YOUNG)
    what = "deleted" if is_gone else "left alone, for it was written to meanwhile:"
    typer.echo(f"{what} {fate.stored.folder}")
    return is_gone


def _fates(url: str, manifests: Sequence[Path], kubeconfig: Path | None) -> "list[Fate]":
    """What becomes of each artifact.

    The store is listed before its users: what is used since then is seen, and what is new since then is not
    looked at.
    """
    from mlplane import names
    from mlplane.errors import InvalidInput
    from mlplane.gitops.collecting import fates, uses_of
    from mlplane.store.inventory import inventory

    stored = inventory(url)
    bodies, documents = asyncio.run(_bodies(kubeconfig)), _documents(manifests)
    if not documents and not any(body["apiVersion"] == names.API_VERSION for body in bodies):
        raise InvalidInput(
            "the cluster has no object of mlplane, so that all artifacts would seem to be of no use: "
            "name the right one, or give --manifests for what uses the store"
        )
    uses = uses_of(bodies, documents)
    return fates(stored, uses, datetime.now(UTC))


async def _bodies(kubeconfig: Path | None) -> "list[Body]":
    """Everything that may use an artifact, in all namespaces; raises where a list cannot be had whole."""
    from mlplane import names
    from mlplane.api import KINDS
    from mlplane.api.refs import Query
    from mlplane.cluster.discovery import UnknownKind

    foreign = (
        Query(names.WORKFLOW_API_VERSION, names.WORKFLOW_KIND),
        Query(names.INFERENCE_SERVICE_API_VERSION, names.INFERENCE_SERVICE_KIND),
    )
    found: list[Body] = []
    async with connected(kubeconfig) as (cluster, _):
        for kind in KINDS:
            found += await cluster.list(Query(names.API_VERSION, kind))
        for query in foreign:
            try:
                found += await cluster.list(query)
            except UnknownKind:
                continue  # where there is no such kind, there is no such object
    return found


def _documents(paths: Sequence[Path]) -> "dict[str, Body]":
    """The objects in manifest files, by file.

    Raises:
        InvalidInput: one cannot be read, so that nobody knows what it needs.
    """
    from mlplane.errors import InvalidInput
    from mlplane.gitops.validate import manifest_files, read

    documents: dict[str, Body] = {}
    for file in (file for path in paths for file in manifest_files(path)):
        found, problems = read(file)
        if problems:
            raise InvalidInput(f"{file} cannot be read, and may need anything: {problems[0].message}")
        documents |= {str(file): document.body for document in found}
    return documents
