"""``mlplane init``: a new GitOps repository from a template."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    directory: Annotated[Path, typer.Argument(help="Where to make it; empty, or not there yet.")],
    template: Annotated[str, typer.Option(help="What to start from.")] = "digits",
    url: Annotated[
        str, typer.Option(help="Address the repository will have; its identity in the manifests.")
    ] = "",
) -> None:
    """Make a git repository with manifests, code and data, all pinned; with environments and CI files."""
    from mlplane.gitops import scaffold

    commit = scaffold.init(directory, template, url or scaffold.default_url(directory))
    typer.echo(f"{directory}: a repository made from {template}, at commit {commit[:12]}")
    typer.echo(f"next: mlplane up --repo {directory}")
