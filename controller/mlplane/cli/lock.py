"""``mlplane lock``: pin manifests to the commits of the code and data that they name."""

from pathlib import Path
from typing import Annotated

import typer


def lock(
    directory: Annotated[Path, typer.Argument(help="A directory of the repository.")] = Path(),
    commit: Annotated[bool, typer.Option("--commit", help="Commit the manifests that changed.")] = False,
) -> None:
    """Pin each source of this repository to the last commit that changed it."""
    from mlplane.errors import InvalidInput
    from mlplane.gitops import git
    from mlplane.gitops.lock import lock as write_pins
    from mlplane.gitops.lock import lock_commit

    repo = git.root(directory)
    if repo is None:
        raise InvalidInput(f"{directory.resolve()} is in no git repository: run `mlplane init` or `git init`")
    changes, made = lock_commit(repo) if commit else (write_pins(repo), "")
    for change in changes:
        typer.echo(f"{change.file}: {change.path} {change.old[:12]} -> {change.new[:12]}")
        if change.is_new_content_of_a_run:
            typer.echo(f"  a TrainingRun never changes: rename {change.name}, or the new code will not run")
    if not changes:
        typer.echo("every pin is right already")
    elif made:
        typer.echo(f"committed {made[:12]}")
