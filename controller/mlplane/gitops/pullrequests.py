"""Pull requests and commit statuses of a forge. The token comes from the environment, and goes nowhere else.

Called by ``cli.promote``, ``cli.rollback`` and ``cli.check``.
"""

import os
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol

from mlplane.api.promotion import Forge
from mlplane.errors import InvalidInput

TIMEOUT_SECONDS = 30
TOKENS = {"GitHub": "GITHUB_TOKEN", "GitLab": "GITLAB_TOKEN", "Gitea": "GITEA_TOKEN"}
ANY_TOKEN = "MLPLANE_FORGE_TOKEN"  # noqa: S105 (a name)
"""Wins over the one of the kind."""
State = Literal["Passed", "Failed", "Warning"]


class PullRequest(NamedTuple):
    """What is asked for."""

    branch: str
    trunk: str
    """The branch that it is to be merged into."""
    title: str
    text: str
    """Markdown."""


class Opened(NamedTuple):
    """What is there now."""

    url: str
    is_new: bool


class Status(NamedTuple):
    """What is said of a commit."""

    name: str
    """Such as ``mlplane/schema``."""
    state: State
    message: str


class Client(Protocol):
    """A forge. A method raises ``Terminal`` or ``Transient`` with the forge's own words, never the token."""

    def ensure(self, wanted: PullRequest) -> Opened:
        """Have one open pull request from the branch, with this title and text."""

    def report(self, commit: str, statuses: list[Status]) -> None:
        """Set statuses of a commit."""


def client_for(forge: Forge, environment: Mapping[str, str] = os.environ) -> Client | None:
    """The client of a forge; None where there is none.

    Args:
        forge: Which one; its repository, and its address if it is not the public one.
        environment: Where the token is taken from.

    Raises:
        InvalidInput: There is no token, or the repository is not known.
    """
    if forge.kind == "None":
        return None
    if not forge.url or not forge.repository:
        raise InvalidInput(
            "promotion.yaml: forge needs url and repository, for the remote does not tell them"
        )
    name = TOKENS[forge.kind]
    token = environment.get(ANY_TOKEN) or environment.get(name)
    if not token:
        raise InvalidInput(f"no token for {forge.url}: set {name}, or {ANY_TOKEN}, in the environment")
    match forge.kind:
        case "GitHub":
            from mlplane.gitops.githubclient import GitHubClient

            return GitHubClient(forge.url, forge.repository, token)
        case "GitLab":
            from mlplane.gitops.gitlabclient import GitLabClient

            return GitLabClient(forge.url, forge.repository, token)
    from mlplane.gitops.giteaclient import GiteaClient

    return GiteaClient(forge.url, forge.repository, token)


def shortened(message: str, most: int) -> str:
    """A message on one line that fits into a status."""
    line = " ".join(message.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
