"""``mlplane plan``: what a change would do, before it is merged."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlplane.cli.connection import Kubeconfig, Namespace
from mlplane.cli.options import Image
from mlplane.whereabouts import found

if TYPE_CHECKING:
    from mlplane.api.planned import Plan
    from mlplane.api.promotion import Environment
    from mlplane.gitops.planning import Sides
    from mlplane.settings import Settings

CHANGE = 2
"""Exit code where something would change."""
_ANY_STORE = "s3://artifacts"


def plan(
    path: Annotated[Path, typer.Argument(help="Directory of one environment.")],
    *,
    from_: Annotated[
        str,
        typer.Option("--from", help="Revision to compare with. Default: where the branch has left main."),
    ] = "",
    live: Annotated[
        bool, typer.Option("--live", help="Compare with the cluster; what was changed by hand shows, too.")
    ] = False,
    output: Annotated[Literal["text", "markdown", "json"], typer.Option("--output", "-o", help="Form.")] = (
        "text"
    ),
    profile: Annotated[
        Path | None, typer.Option("--profile", help="Profile of the operator: what GPUs there are.")
    ] = None,
    store: Annotated[
        str, typer.Option("--store", help="URL of the store, to look for results that are there already.")
    ] = "",
    image: Image = "",
    kubeconfig: Kubeconfig = None,
    namespace: Namespace = "",
) -> None:
    """Show what the working tree would change: objects, runs, endpoints, GPUs. Writes nothing.

    Exits with 0 if nothing would change, 2 if something would, and 1 if it cannot be made as it is.
    """
    from mlplane.errors import InvalidInput
    from mlplane.gitops.planning import plan as planned
    from mlplane.gitops.planningfacts import Repository
    from mlplane.gitops.planningsides import located
    from mlplane.store.artifacts import Store

    if live and from_:
        raise InvalidInput("--from compares with a commit and --live with a cluster: give one of them")
    repo, inside = located(path)
    environment = _environment(repo, inside)
    sides = _sides(repo, inside, from_, environment, namespace, kubeconfig, live=live)
    facts = Repository(repo, Store(store) if store else None)
    made = planned(sides, _settings(store, image, profile, environment), facts, datetime.now(UTC))
    _print(made, output)
    if made.problems:
        raise typer.Exit(1)
    if not made.is_empty:
        raise typer.Exit(CHANGE)


def _environment(repo: Path, inside: str) -> "Environment | None":
    from mlplane.gitops.environments import environment_of, read

    promotion = read(repo)
    return environment_of(promotion, PurePosixPath(inside)) if promotion else None


def _sides(
    repo: Path,
    inside: str,
    revision: str,
    environment: "Environment | None",
    namespace: str,
    kubeconfig: Path | None,
    *,
    live: bool,
) -> "Sides":
    from mlplane.gitops.planningsides import sides_of_git

    chosen = namespace or (environment.namespace if environment else "")
    if not live:
        return sides_of_git(repo, inside, chosen or "default", revision)
    context = environment.context if environment else None
    return asyncio.run(_live_sides(repo, inside, chosen, kubeconfig, context))


async def _live_sides(
    repo: Path, inside: str, namespace: str, kubeconfig: Path | None, context: str | None
) -> "Sides":
    from mlplane.cluster.kube import connect
    from mlplane.gitops.planninglive import sides_of_cluster

    async with connect(found(kubeconfig), context) as cluster:
        return await sides_of_cluster(cluster, repo, inside, namespace or cluster.namespace)


def _settings(store: str, image: str, profile: Path | None, environment: "Environment | None") -> "Settings":
    from mlplane.capacity import Profile
    from mlplane.gitops.profilefile import read_profile
    from mlplane.settings import DEFAULT_IMAGE, Settings

    known = store or (environment.store if environment else None) or _ANY_STORE
    return Settings(
        store=known, image=image or DEFAULT_IMAGE, profile=read_profile(profile) if profile else Profile()
    )


def _print(plan: "Plan", output: str) -> None:
    import json

    from mlplane.gitops.planningmarkdown import markdown

    if output == "json":
        print(json.dumps(plan.to_body(), indent=2))
    elif output == "markdown":
        print(markdown(plan), end="")
    else:
        from mlplane.cli.planpage import show

        show(plan)
