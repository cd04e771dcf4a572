import subprocess

import pytest

from mlplane.api.meta import GitSource
from mlplane.errors import InvalidInput
from mlplane.steps import gitrepo
from mlplane.steps.gitrepo import Repository


def git(directory, *arguments, stdin=""):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    command = ["git", *who, *arguments]
    return subprocess.run(
        command, cwd=directory, input=stdin, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def folders_in_folders(tmp_path) -> Repository:
    """A commit of a few objects with 10,000 files: each folder holds one and the same folder ten times."""
    git(tmp_path, "init", "-q", "--bare", ".")
    mode, kind, inner = "100644", "blob", git(tmp_path, "hash-object", "-w", "--stdin", stdin="a")
    for _ in range(4):
        listing = "".join(f"{mode} {kind} {inner}\t{name}\n" for name in range(10))
        mode, kind, inner = "040000", "tree", git(tmp_path, "mktree", stdin=listing)
    top = git(tmp_path, "mktree", stdin=f"040000 tree {inner}\tdata\n")
    commit = git(tmp_path, "commit-tree", top, "-m", "a")
    source = GitSource(url="https://git.example.com/a.git", path="data", commit=commit)
    return Repository(tmp_path, source)


def test_a_small_repository_that_becomes_endless_files_is_refused_before_they_are_listed(
    folders_in_folders, monkeypatch
):
    assert len(folders_in_folders.selected()) == 10_000
    monkeypatch.setattr(gitrepo, "MAX_LISTING", 100_000)
    with pytest.raises(InvalidInput, match=r"^data at commit [0-9a-f]{40} has too many files: .* an archive"):
        folders_in_folders.selected()
