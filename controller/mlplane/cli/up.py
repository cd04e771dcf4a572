"""``mlplane up``: a plane on this machine, and the repository that it follows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.whereabouts import STATE

if TYPE_CHECKING:
    from mlplane.local.programs import Allowed
    from mlplane.local.state import State


def up(
    *,
    state: Annotated[Path, typer.Option(help="Folder that the plane lives in.")] = STATE,
    repo: Annotated[
        Path | None, typer.Option(help="Git repository to follow. Default: none, apply with kubectl.")
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            help="Directory of manifests in the repository, for the namespace default. Default: each "
            "environment of its promotion.yaml without a context, or all of it where there is no such file."
        ),
    ] = None,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit to follow.")] = "main",
    allow_image: Annotated[
        list[str] | None,
        typer.Option(
            help="Pattern of images, for example busybox:*, whose containers run as processes with the "
            "programs of this machine. May be given several times."
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Server, as host or host:port, that data may be read from although its address is private. "
            "May be given several times."
        ),
    ] = None,
    profile: Annotated[
        Path | None, typer.Option(help="File that describes the GPUs of this machine to the controller.")
    ] = None,
    signers: Annotated[
        Path | None,
        typer.Option(
            help="File of those whose signed commits are applied, as for git's gpg.ssh.allowedSignersFile. "
            "Default: signatures do not matter."
        ),
    ] = None,
) -> None:
    """Run the plane until Ctrl-C; it goes on where it was when started again."""
    import asyncio

    from mlplane.local.programs import Allowed
    from mlplane.local.state import State

    _check_files(repo, signers, profile)
    allowed = Allowed(tuple(allow_image or ()), tuple(allow_host or ()), signers, profile)
    asyncio.run(_up(State.create(state), repo and repo.resolve(), path, revision, allowed))


def _check_files(repo: Path | None, signers: Path | None, profile: Path | None) -> None:
    """Refuse now what would else stand in the log of a process that does not start."""
    from mlplane.errors import InvalidInput
    from mlplane.gitops import git
    from mlplane.gitops.profilefile import read_profile

    if repo and not git.is_repository(repo):
        raise InvalidInput(f"{repo} is no git repository: make one with `mlplane init {repo}`")
    if signers and not signers.is_file():
        raise InvalidInput(f"--signers {signers}: there is no such file")
    if profile:
        read_profile(profile)


async def _up(state: "State", repo: Path | None, path: str | None, revision: str, allowed: "Allowed") -> None:
    """Say how to use the plane once it is ready, then wait for SIGINT or SIGTERM."""
    import asyncio
    import signal

    from mlplane.adapters.servingruntime import serving_runtime
    from mlplane.local.up import running
    from mlplane.settings import DEFAULT_IMAGE

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    extra = [serving_runtime(DEFAULT_IMAGE)]
    async with running(
        state, repo=repo, path=path, revision=revision, allowed=allowed, extra=extra, on_event=typer.echo
    ):
        typer.echo(f"the plane is up; logs are in {state.logs}")
        typer.echo(f"export KUBECONFIG={state.kubeconfig}")
        if repo:
            what = path or "the environments"
            typer.echo(f"follows {what} of {repo} at {revision}; see `mlplane status`")
        await stop.wait()
        typer.echo("stopping; start it again and it goes on")
