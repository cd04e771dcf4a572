"""A real git repository, for a person who has no git configuration."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / ".config"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def repo(tmp_path) -> Path:
    """A repository with one commit: train/train.py, and origin https://git.example.com/team/digits.git."""
    made = tmp_path / "repo"
    (made / "train").mkdir(parents=True)
    (made / "train" / "train.py").write_text("print(1)\n")
    run(made, "init", "-q", "-b", "main")
    run(made, "remote", "add", "origin", "https://git.example.com/team/digits.git")
    commit_all(made, "first")
    return made


@pytest.fixture
def git_in(repo) -> Git:
    return lambda *arguments: run(repo, *arguments)


@pytest.fixture
def commit(repo) -> Callable[[str], str]:
    """Commit all there is; returns the id."""
    return lambda message="more": commit_all(repo, message)


def commit_all(repo: Path, message: str) -> str:
    run(repo, "add", "-A")
    run(repo, "commit", "-q", "--allow-empty", "-m", message)
    return run(repo, "rev-parse", "HEAD")


def run(repo: Path, *arguments: str) -> str:
    identity = (
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.com",
        "-c",
        "protocol.file.allow=always",
    )
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=repo, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
