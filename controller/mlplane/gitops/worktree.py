"""The working tree as if it were committed, and where its branch has left the main one.

What is refused in a commit is refused here, too: what is planned must be what the agent would take. Called by
``gitops.planningsides`` and ``cli.check``.
"""

from pathlib import Path

from mlplane.errors import Terminal
from mlplane.gitops import git

_MAIN = ("refs/remotes/origin/HEAD", "refs/remotes/origin/main", "refs/heads/main")
"""What may be the main branch; the first that is there is."""
_SUBMODULE = "160000 "


def read_worktree(repo: Path, path: str, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """Content of the files with one of the suffixes, at any depth under a path, by name; no ignored ones.

    Raises:
        Terminal: The path is not there, or holds a symbolic link or a submodule of such a name; or a file
            is too large, or its name cannot be shown.
    """
    top = repo.resolve()
    if not (top / path).is_dir() or (top / path).resolve() != top / path:
        raise Terminal(f"{repo} has no directory {path!r}, or it is a symbolic link")
    staged = _listed(repo, "--stage", "--", path)
    if found := next((entry for entry in staged if entry.startswith(_SUBMODULE)), None):
        raise Terminal(f"{found.partition(chr(9))[2]} is a submodule: put a regular file there")
    names = _listed(repo, "--cached", "--others", "--exclude-standard", "--deduplicate", "--", path)
    there = [name for name in sorted(names) if name.endswith(suffixes) and _is_there(top / name)]
    for name in there:
        git.require_modest(name, (top / name).lstat().st_size)
    return {name: _content(top / name, name) for name in there}


def main_branch(repo: Path) -> str | None:
    """The main branch of ``origin``, as far as it was fetched, else the local one; None without either."""
    there = git.object_ids(repo, _MAIN)
    return next((name for name in _MAIN if name in there), None)


def fork_point(repo: Path, revision: str = "HEAD", branch: str | None = None) -> str:
    """Id of the commit at which a revision has left a branch; the commit itself where there is no branch.

    Args:
        repo: The repository.
        revision: What has left it.
        branch: Which one; the main branch, if not given.

    Raises:
        Terminal: They have no commit in common here, as in a shallow clone.
    """
    commit = git.resolve(repo, revision)
    branch = branch or main_branch(repo)
    if branch is None:
        return commit
    done = git.run(repo, "merge-base", branch, commit, check=False)
    if done.returncode != 0:
        short = branch.removeprefix("refs/remotes/").removeprefix("refs/heads/")
        raise Terminal(f"{repo} has no commit in common with {short} here: run `git fetch --unshallow`")
    return done.stdout.decode().strip()


def _listed(repo: Path, *options: str) -> list[str]:
    found = git.run(repo, "ls-files", "-z", *options).stdout.decode(errors="surrogateescape")
    return [entry for entry in found.split("\0") if entry]


def _is_there(file: Path) -> bool:
    """Whether something of the name is there: not if it was deleted and that is not committed yet."""
    return file.is_symlink() or file.is_file()


def _content(file: Path, name: str) -> bytes:
    if file.resolve() != file:
        raise Terminal(f"{name} is a symbolic link, or lies behind one: put a regular file there")
    return file.read_bytes()
