"""What commands that open pull requests share: their forge, and what is said of the outcome."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mlplane.api.promotion import Promotion
    from mlplane.gitops.pullrequests import Client
    from mlplane.gitops.remote import Heads


def client_of(repo: Path, promotion: "Promotion | None") -> "Client | None":
    """The client of the repository's forge, which gets the token; None if there is none.

    Raises:
        InvalidInput: The token is missing, or the forge is not told completely.
    """
    from mlplane.gitops import git
    from mlplane.gitops.forges import forge_of
    from mlplane.gitops.pullrequests import client_for

    return client_for(forge_of(promotion, git.remote_urls(repo)))


def open_pull(client: "Client | None", heads: "Heads", title: str, text: str) -> None:
    """Open or update the pull request, or say what to do without a forge."""
    from mlplane.gitops.pullrequests import PullRequest

    if client is None:
        typer.echo("no forge is known (promotion.yaml: forge): review and merge the branch yourself:")
        typer.echo(f"  git fetch origin && git diff origin/{heads.trunk}...origin/{heads.branch}")
        typer.echo(
            f"  git switch {heads.trunk} && git merge origin/{heads.branch} && git push origin {heads.trunk}"
        )
        return
    opened = client.ensure(PullRequest(heads.branch, heads.trunk, title, text))
    typer.echo(f"{'opened' if opened.is_new else 'updated'} {opened.url}")
