"""A git repository whose commits are the same in every run of a story."""

import os
import subprocess
from pathlib import Path

ORIGIN = "https://git.example.com/team/digits.git"
"""So that what the agent calls the repository does not depend on its folder."""
_NOW = "2026-01-02T03:04:05Z"


def make_repository(path: Path) -> Path:
    """An empty repository with a first commit."""
    path.mkdir()
    _git(path, "init", "--quiet", "--initial-branch", "main")
    _git(path, "remote", "add", "origin", ORIGIN)
    (path / "README.md").write_text("Manifests.\n")
    commit_all(path, "Begin")
    return path


def commit_all(path: Path, message: str) -> None:
    """Commit the folder as it is."""
    _git(path, "add", "--all")
    _git(path, "commit", "--quiet", "--message", message)


def _git(path: Path, *arguments: str) -> None:
    person = {
        f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _PERSON.items()
    }
    environment = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *arguments], cwd=path, env=environment, check=True, capture_output=True)


_PERSON = {"NAME": "Test", "EMAIL": "test@example.com", "DATE": _NOW}
