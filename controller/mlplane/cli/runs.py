"""``mlplane run``: manifests of runs, made of earlier ones; offline, on the files of a repository."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlplane.cli.options import Directory

if TYPE_CHECKING:
    from mlplane.gitops.newruns import Written

runs = typer.Typer(
    no_args_is_help=True, help="Write manifests of runs; commit them to have them carried out."
)

Name = Annotated[str, typer.Option(help="Name of the new run. Default: the next number.")]


@runs.command()
def new(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter; repeatable.")
    ] = None,
    name: Name = "",
    gpus: Annotated[int | None, typer.Option(min=0, help="GPUs of the step that trains.")] = None,
    directory: Directory = Path(),
) -> None:
    """Write the next run of a model: a copy of its newest one, with other parameters and the present code."""
    from mlplane.gitops import git
    from mlplane.gitops.newruns import new_run

    _tell(new_run(git.repository(directory), model, _parameters(settings or []), name, gpus))


@runs.command()
def rerun(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    name: Name = "",
    directory: Directory = Path(),
) -> None:
    """Write a copy of a run that is trained again, though the store may have its result."""
    from mlplane.gitops import git, newruns

    _tell(newruns.rerun(git.repository(directory), run, name))


@runs.command()
def cancel(
    run: Annotated[str, typer.Argument(help="Name of the run.")], directory: Directory = Path()
) -> None:
    """Suspend a run in its manifest: it saves a checkpoint, ends, and frees its GPUs.

    To let it go on from there, remove `suspend: true` from the manifest again and commit that. To end it for
    good, delete the manifest.
    """
    from mlplane.gitops import git, newruns

    written = newruns.cancel(git.repository(directory), run)
    if written is None:
        typer.echo(f"{run} is suspended already")
    else:
        _tell(written)


def _parameters(settings: list[str]) -> dict[str, str]:
    from mlplane.errors import InvalidInput

    found = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not name or not equals:
            raise InvalidInput(f"--set {setting}: expected NAME=VALUE, such as --set lr=0.001")
        found[name] = value
    return found


def _tell(written: "Written") -> None:
    made = f", made of {written.template}" if written.template != written.file else ""
    typer.echo(f"{written.file}: {written.name}{made}")
    for change in written.changes:
        typer.echo(f"  {change}")
    verb = "Train" if made else "Suspend"
    typer.echo(f'next: git add {written.file} && git commit -m "{verb} {written.name}"')
