"""Where pull requests of a repository are opened: what ``promotion.yaml`` says, and else its remote. Pure."""

import re
from collections.abc import Sequence
from typing import Literal

from mlplane.api.promotion import Forge, Promotion
from mlplane.gitops.pins import identity

_HOSTS: tuple[tuple[str, Literal["GitHub", "GitLab", "Gitea"]], ...] = (
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("gitea", "Gitea"),
    ("forgejo", "Gitea"),
    ("codeberg", "Gitea"),
)
"""A word in the name of a host, and the forge that it gives away."""

_HOST = re.compile(r"[a-z0-9][-a-z0-9.]*(:[0-9]+)?")


def forge_of(promotion: Promotion | None, remotes: Sequence[str]) -> Forge:
    """The forge of a repository; of the kind None where nothing tells it.

    Args:
        promotion: What the repository says; each field of it wins.
        remotes: Addresses of the repository's remotes, the one that is pushed to first.
    """
    given = promotion.forge if promotion else None
    if given and given.kind == "None":
        return given
    found = _of_remote(remotes[0]) if remotes else Forge(kind="None")
    said = given.model_dump(exclude_none=True) if given else {}
    return found.model_copy(update=said)


def _of_remote(remote: str) -> Forge:
    """What an address tells; a path, or a host of no known name, tells nothing."""
    host, _, repository = identity(remote).partition("/")
    if not _HOST.fullmatch(host) or "/" not in repository:
        return Forge(kind="None")
    name = host.partition(":")[0]
    # A port belongs to the forge's own address only where that is what the remote is.
    address = f"http://{host}" if remote.startswith("http://") else f"https://{host}"
    url = address if re.match("https?://", remote) else f"https://{name}"
    kind = next((kind for word, kind in _HOSTS if word in name), "None")
    return Forge.model_validate({"kind": kind, "url": url, "repository": repository})
