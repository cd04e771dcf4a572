"""``mlplane lock``: pin manifests to the commits of code and data, or to the digests that a cluster has."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.connection import Kubeconfig, Namespace, connected

if TYPE_CHECKING:
    from mlplane.api.meta import Body


def lock(
    directory: Annotated[Path, typer.Argument(help="A directory of the repository.")] = Path(),
    commit: Annotated[bool, typer.Option("--commit", help="Commit the manifests that changed.")] = False,
    digests: Annotated[
        list[Path] | None,
        typer.Option("--digests", help="Pin digests in these manifests to what the cluster has; repeatable."),
    ] = None,
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Pin each source of this repository to the last commit that changed it.

    With --digests, pin the versions of datasets and models instead: in Datasets, in what is derived from
    them, in Evaluations that are not carried out yet, and in ModelServers.
    """
    from mlplane.gitops import git

    repo = git.repository(directory)
    if digests:
        _lock_digests(repo, digests, asyncio.run(_bodies(kubeconfig, namespace)), commit=commit)
    else:
        _lock_commits(repo, commit=commit)


def _lock_commits(repo: Path, *, commit: bool) -> None:
    from mlplane.gitops.lock import lock as write_pins
    from mlplane.gitops.lock import lock_commit

    changes, made = lock_commit(repo) if commit else (write_pins(repo), "")
    for change in changes:
        typer.echo(f"{change.file}: {change.path} {change.old[:12]} -> {change.new[:12]}")
        if change.is_new_content_of_a_run:
            typer.echo(f"  a TrainingRun never changes: rename {change.name}, or the new code will not run")
    _conclude(bool(changes), made)


def _lock_digests(repo: Path, paths: Sequence[Path], bodies: "Sequence[Body]", *, commit: bool) -> None:
    from mlplane.gitops import git
    from mlplane.gitops.digests import pin_digests

    outcomes = pin_digests(paths, bodies)
    for outcome in outcomes:
        old = outcome.old[:19] or "nothing"
        said = f"{old} -> {outcome.new[:19]}" if outcome.new else f"left as it is: {outcome.note}"
        typer.echo(f"{outcome.file}: {outcome.field} {said}")
    files = sorted({outcome.file for outcome in outcomes if outcome.new})
    made = ""
    if commit and files:
        names = [Path(file).resolve().relative_to(repo.resolve()).as_posix() for file in files]
        made = git.commit(repo, f"Pin digests\n\n{', '.join(names)}\n", names)
    _conclude(bool(outcomes), made)


def _conclude(has_news: bool, made: str) -> None:
    if not has_news:
        typer.echo("every pin is right already")
    elif made:
        typer.echo(f"committed {made[:12]}")


async def _bodies(kubeconfig: Path | None, namespace: str) -> "list[Body]":
    """What digests are taken from, and the Evaluations, which never change."""
    from mlplane import names
    from mlplane.api.refs import Query

    async with connected(kubeconfig, namespace) as (cluster, chosen):
        kinds = ("Dataset", "ModelVersion", "Evaluation")
        lists = [await cluster.list(Query(names.API_VERSION, kind, chosen)) for kind in kinds]
    return [body for bodies in lists for body in bodies]
