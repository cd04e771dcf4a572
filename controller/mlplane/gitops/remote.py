"""Commits that are made beside the checkout, and exchanged with the remote: nothing of a person's work moves.

Only objects are added to the repository: no branch, no index and no file of the checkout is touched, and
``FETCH_HEAD`` is not written. The repository's own settings hold, so that whoever can push by hand can do so
here. Called by ``gitops.promoting`` and ``gitops.rollingback``.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops import git

REMOTE = "origin"
_PROTOCOLS = "https:http:ssh:file"
"""A person's own remote may speak plain HTTP, as forges in a house do."""
_ACCESS = ("GIT_ASKPASS", "GIT_SSH", "GIT_HTTP_", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_", "GIT_CONFIG_VALUE_")
"""Variables by which a person, or a CI, has told git how to reach the remote."""
_QUIET = ("-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "push.recurseSubmodules=no")

_OVERTAKEN = ("stale info", "fetch first", "cannot lock ref", "failed to update ref", "already exists")
"""What git says where somebody else has pushed first."""


class Moved(Terminal):
    """A branch is no longer what it was when it was looked at: look again."""


@dataclass(frozen=True)
class Heads:
    """What the remote's branches are."""

    trunk: str
    """Name of the default branch."""
    base: str
    """Its commit."""
    branch: str
    """Name of the branch that is worked on."""
    tip: str
    """Its commit; empty if there is no such branch."""


def heads(repo: Path, branch: str) -> Heads:
    """Ask the remote for its default branch and for one more.

    Raises:
        InvalidInput: There is no remote, or it is empty.
        Terminal: It cannot be reached.
    """
    if not git.remote_urls(repo):
        raise InvalidInput(f"{repo} has no remote: add the repository that your team works on as {REMOTE}")
    ask = ("ls-remote", "--symref", REMOTE, "HEAD", f"refs/heads/{branch}")
    lines = [line.split("\t") for line in _output(repo, *ask, env=_reached()).splitlines()]
    trunk = next((v.removeprefix("ref: refs/heads/") for v, n in lines if v.startswith("ref: ")), "main")
    ids = {name: value for value, name in lines if not value.startswith("ref: ")}
    if "HEAD" not in ids:
        raise InvalidInput(f"the remote {REMOTE} of {repo} has no default branch: push {trunk} first")
    return Heads(trunk, ids["HEAD"], branch, ids.get(f"refs/heads/{branch}", ""))


def fetch(repo: Path, found: Heads) -> None:
    """Bring the commits of the heads here, as objects only.

    Raises:
        Terminal: The remote fails, or the repository is a shallow clone, whose history tells too little.
    """
    git.require_history(repo)
    wanted = [name for name, known in ((found.trunk, found.base), (found.branch, found.tip)) if known]
    refs = [f"refs/heads/{name}" for name in wanted]
    still = ("--no-write-fetch-head", "--no-tags", "--refmap=", "--recurse-submodules=no")
    git.run(repo, *_QUIET, "fetch", "--quiet", *still, REMOTE, *refs, env=_reached())


def commit(repo: Path, parent: str, files: Mapping[str, bytes | None], message: str) -> str:
    """A commit that changes these files of its parent; returns its id. Signed if the repository wants that.

    Args:
        repo: The repository.
        parent: The commit that it follows.
        files: New content by path; None deletes.
        message: The whole message.
    """
    with tempfile.TemporaryDirectory(prefix="mlplane-") as folder:
        env = {"GIT_INDEX_FILE": f"{folder}/index"}
        git.run(repo, "read-tree", parent, env=env)
        entries = "".join(_entry(repo, path, content) for path, content in sorted(files.items()))
        git.run(repo, "update-index", "-z", "--index-info", stdin=entries.encode(), env=env)
        tree = git.run(repo, "write-tree", env=env).stdout.decode().strip()
    wish = git.run(repo, "config", "--type=bool", "commit.gpgsign", check=False).stdout.strip()
    signed = ("-S",) if wish == b"true" else ()
    made = git.run(
        repo, "commit-tree", *signed, "-p", parent, tree, stdin=message.encode(), env=git.author(repo)
    )
    return made.stdout.decode().strip()


def push(repo: Path, made: str, found: Heads) -> None:
    """Make the branch this commit, if it is still what was found.

    Raises:
        Moved: Somebody has pushed to the branch since.
        Terminal: The remote refuses.
    """
    target = f"refs/heads/{found.branch}"
    lease = f"--force-with-lease={target}:{found.tip}"
    done = _push(repo, "--porcelain", lease, REMOTE, f"{made}:{target}")
    if done.returncode == 0:
        return
    said = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    if any(sign in said for sign in _OVERTAKEN):
        raise Moved(f"{found.branch} was pushed by somebody else at the same time")
    # What the server has to say comes behind "remote:"; git's own last line only says that it failed.
    words = [line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")]
    raise Terminal(f"git push to {REMOTE}: {' '.join(filter(None, words)) or git.complaint(said)}")


def withdraw(repo: Path, made: str, found: Heads) -> None:
    """Put the branch back to what was found, where it is still this commit; delete it if there was none."""
    target = f"refs/heads/{found.branch}"
    lease = f"--force-with-lease={target}:{made}"
    _push(repo, lease, REMOTE, f"{found.tip}:{target}")


def is_same_change(repo: Path, one: str, other: str) -> bool:
    """Whether two commits make the same files of the same parent, and say the same."""
    return (
        parent_of(repo, one) == parent_of(repo, other)
        and git.tree_id(repo, "", one) == git.tree_id(repo, "", other)
        and _message(repo, one) == _message(repo, other)
    )


def parent_of(repo: Path, commit_id: str) -> str:
    """The first parent of a commit; empty if it has none."""
    done = git.run(repo, "rev-parse", "--verify", "--quiet", f"{commit_id}^1", check=False)
    return done.stdout.decode().strip()


def _message(repo: Path, commit_id: str) -> str:
    return _output(repo, "log", "-1", "--format=%B", commit_id)


def _entry(repo: Path, path: str, content: bytes | None) -> str:
    if content is None:
        return f"0 {'0' * 40}\t{path}\0"
    blob = git.run(repo, "hash-object", "-w", "--stdin", stdin=content).stdout.decode().strip()
    return f"100644 {blob}\t{path}\0"


def _reached() -> dict[str, str]:
    access = {name: value for name, value in os.environ.items() if name.startswith(_ACCESS)}
    return access | {"GIT_ALLOW_PROTOCOL": _PROTOCOLS}


def _push(repo: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    return git.run(repo, *_QUIET, "push", "--quiet", *args, env=_reached(), check=False)


def _output(repo: Path, *args: str, env: dict[str, str] | None = None) -> str:
    return git.run(repo, *args, env=env).stdout.decode(errors="replace").strip()
