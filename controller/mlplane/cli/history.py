"""``mlplane history``: what a server served, who decided it, on which evidence; from git and status alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlplane.cli.connection import Kubeconfig
from mlplane.cli.options import Directory

if TYPE_CHECKING:
    from mlplane.api.served import Served
    from mlplane.body import Body
    from mlplane.gitops.served import Place


def history(
    server: Annotated[str, typer.Argument(help="Name of the ModelServer.")],
    *,
    env: Annotated[str, typer.Option("--env", help="Environment. Default: all that have it.")] = "",
    at: Annotated[
        str, typer.Option("--at", help="What was pinned then: a date, or a moment such as 2026-05-21T12:00Z.")
    ] = "",
    directory: Directory = Path(),
    revision: Annotated[str, typer.Option(help="Branch, tag or commit of the history.")] = "main",
    live: Annotated[bool, typer.Option("--live", help="Ask the clusters what serves now, too.")] = False,
    kubeconfig: Kubeconfig = None,
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o", help="Form.")] = "text",
) -> None:
    """Tell what a server was given: since when, by whom, made of which data and code, judged how.

    All of it is read from the commits of the repository. What a server that follows a policy has served is
    not in git; --live tells what it serves now.
    """
    from mlplane.api.served import History
    from mlplane.cli.servedpage import show_history
    from mlplane.errors import InvalidInput
    from mlplane.gitops import git
    from mlplane.gitops.served import places, served

    moment = _moment(at) if at else None
    repo = git.repository(directory)
    commit = git.resolve(repo, revision)
    found = places(repo, commit, server=server, environment=env)
    if not found:
        where = f"environment {env}" if env else "any environment"
        raise InvalidInput(f"no ModelServer {server!r} stands, or stood, in {where} at {revision}")
    entries = [entry for place in found for entry in served(repo, commit, place)]
    if moment:
        entries = [entry for entry in entries if _is_in_force(entry, moment)]
    now = asyncio.run(_statuses(found, kubeconfig)) if live else {}
    result = History(server=server, served=tuple(entries), now=now)
    if output == "json":
        print(result.model_dump_json(by_alias=True, exclude_none=True, indent=2))
    else:
        show_history(result, in_full=moment is not None)


def _moment(text: str) -> datetime:
    """A moment; of a date its end, in UTC. Raises InvalidInput for anything else."""
    from mlplane.errors import InvalidInput

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"--at {text}: expected a date such as 2026-05-21") from None
    if len(text) == len("2026-05-21"):
        found += timedelta(days=1, microseconds=-1)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_in_force(entry: "Served", moment: datetime) -> bool:
    return entry.since <= moment and (entry.until is None or moment < entry.until)


async def _statuses(places: "list[Place]", kubeconfig: Path | None) -> "dict[str, Body]":
    """The status of the server in each environment, as its cluster has it."""
    from mlplane import names
    from mlplane.api.refs import Ref
    from mlplane.cluster.kube import connect
    from mlplane.whereabouts import found

    statuses: dict[str, Body] = {}
    for place in places:
        environment = place.environment
        async with connect(found(kubeconfig), environment.context) as cluster:
            ref = Ref(names.API_VERSION, "ModelServer", environment.namespace, place.server)
            statuses[environment.name] = (await cluster.get(ref) or {}).get("status") or {}
    return statuses
