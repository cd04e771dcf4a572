"""What the GitOps agent must know of a commit before it applies it: its past, its signature, its trailers.

Confirmations are trailers of commit messages: so whoever may commit says yes where the agent asks, in git,
where everybody can read it later. Called by ``local.agent``.
"""

from collections.abc import Mapping
from pathlib import Path

from mlplane.errors import Terminal
from mlplane.gitops import git, trailers

Trailers = Mapping[str, tuple[str, ...]]

SHORTEST = 7
"""Digits of a commit's id that a trailer must have at least."""
LOOKED_AT = 1000
"""Newest commits whose trailers are read."""
# Who signed is judged by the operator's file alone: no program, key ring or trust of the repository's or the
# user's configuration takes part.
_JUDGED = (
    *("-c", "gpg.ssh.program=ssh-keygen"),
    *("-c", "gpg.program=false"),
    *("-c", "gpg.openpgp.program=false"),
    *("-c", "gpg.x509.program=false"),
    *("-c", "gpg.minTrustLevel=fully"),
    *("-c", "gpg.ssh.revocationFile="),
)


def descends(repo: Path, commit: str, ancestor: str) -> bool:
    """Whether the commit's history holds the other one; no if that one is not in the repository any more."""
    return git.run(repo, "merge-base", "--is-ancestor", ancestor, commit, check=False).returncode == 0


def confirmations(repo: Path, commit: str, since: str = "") -> Trailers:
    """The trailers of a commit and of those that came with it.

    Args:
        repo: The repository.
        commit: The commit that is to be applied.
        since: The one that was applied before; without it only the commit itself counts.
    """
    known = bool(since) and since in git.object_ids(repo, [since])
    limit = f"--max-count={LOOKED_AT if known else 1}"
    span = [commit, f"^{since}"] if known else [commit]
    log = git.run(repo, "log", limit, "--format=%B", *span, "--")
    return trailers.read(log.stdout.decode(errors="replace"))


def confirms_rewind(found: Trailers, applied: str) -> bool:
    """Whether a trailer names the commit that is to be left."""
    named = found.get(trailers.REWIND, ())
    return any(len(name) >= SHORTEST and applied.startswith(name) for name in named)


def require_signature(repo: Path, commit: str, signers: Path) -> None:
    """Check that somebody whom the operator trusts has signed the commit, with an SSH key.

    Args:
        repo: The repository.
        commit: The commit.
        signers: File of allowed signers (ssh-keygen(1)); the operator's, from outside of the repository.

    Raises:
        Terminal: Nobody has, or somebody else; or the file cannot be read.
    """
    if not signers.is_file():
        raise Terminal(f"{signers}: there is no such file of allowed signers")
    file = ("-c", f"gpg.ssh.allowedSignersFile={signers.absolute()}")
    done = git.run(repo, *_JUDGED, *file, "verify-commit", commit, check=False)
    if done.returncode == 0:
        return
    said = done.stderr.decode(errors="replace").strip().splitlines()
    why = f"its signature is not that of an allowed signer ({said[-1]})" if said else "it has no signature"
    raise Terminal(
        f"commit {commit[:12]} is not applied: {why}: have it signed with an SSH key that {signers} lists"
    )
