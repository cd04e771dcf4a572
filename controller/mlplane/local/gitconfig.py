"""Git configuration of a plane's pods: the repository that the plane follows is fetched from where it lies.

A manifest names a repository by its URL, the same everywhere; on a laptop ``insteadOf`` leads that to the
folder. Does no I/O but in ``addresses_of``; called by ``up``.
"""

import re
import string
from collections.abc import Iterable
from pathlib import Path

from mlplane.gitops import git
from mlplane.gitops.pins import identity

_CREDENTIALS = re.compile(r"^https?://[^/]*@|://[^/@]*:[^/@]*@")
"""A user, a token or a password in an address; it has no business in a pod."""
_NAME_CHARACTERS = string.ascii_letters + string.digits + "-_~"


def addresses_of(repo: Path) -> list[str]:
    """The URLs of a repository's remotes. Runs git."""
    return git.remote_urls(repo)


def gitconfig_for(repo: Path, addresses: Iterable[str]) -> str:
    """Configuration under which each address, however it is written, means the repository's folder."""
    known: set[str] = set()
    for address in addresses:
        name = identity(address)
        spellings = (f"https://{name}", f"ssh://{name}", f"ssh://git@{name}")
        # With and without .git: a prefix is replaced, and git takes the longest that fits.
        known |= {*spellings, *(f"{spelling}.git" for spelling in spellings)}
        if not _CREDENTIALS.search(address):
            known.add(address)
    lines = [
        f'[url "file://{_quoted(str(repo.absolute()))}"]',
        *(f'\tinsteadOf = "{_quoted(k)}"' for k in sorted(known)),
    ]
    # A longer name that begins like this one is another repository: it stays what it is.
    for longer in sorted(f"{k}{c}" for k in known if not k.endswith(".git") for c in _NAME_CHARACTERS):
        if not any(k.startswith(longer) for k in known):
            lines += [f'[url "{_quoted(longer)}"]', f'\tinsteadOf = "{_quoted(longer)}"']
    # The pods' git asks for single commits, whatever branch they are on.
    return "\n".join([*lines, "[uploadpack]", "\tallowAnySHA1InWant = true", ""]) if known else ""


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
