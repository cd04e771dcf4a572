"""What is planned is what the agent would take: a repository that means ill is refused in the same words."""

import os
import subprocess

import pytest

from mlplane.errors import Terminal
from mlplane.gitops import git
from mlplane.gitops.worktree import fork_point, read_worktree

YAML = (".yaml",)


@pytest.fixture
def dev(repo):
    (repo / "dev").mkdir()
    (repo / "dev/a.yaml").write_text("a: 1\n")
    return repo / "dev"


def test_it_reads_what_is_committed_changed_and_new_but_not_what_is_ignored_or_gone(repo, dev, commit):
    (dev / "gone.yaml").write_text("x")
    (repo / ".gitignore").write_text("secret.yaml\n")
    commit()
    (dev / "gone.yaml").unlink()
    (dev / "a.yaml").write_text("a: 2\n")
    (dev / "sub").mkdir()
    (dev / "sub/new.yaml").write_text("new")
    (dev / "secret.yaml").write_text("secret")
    (dev / "notes.md").write_text("no manifest")
    (repo / "beside.yaml").write_text("not below the path")
    assert read_worktree(repo, "dev", YAML) == {"dev/a.yaml": b"a: 2\n", "dev/sub/new.yaml": b"new"}


def test_a_clean_tree_is_as_its_commit(repo, dev, commit):
    commit()
    assert read_worktree(repo, "dev", YAML) == git.read_files(repo, "HEAD", "dev", YAML)


def test_a_path_that_is_taken_literally(repo, dev):
    with pytest.raises(Terminal, match="no directory"):
        read_worktree(repo, "d*", YAML)


def test_a_symbolic_link_to_a_file_is_refused(repo, dev, tmp_path):
    (tmp_path / "secret").write_text("password")
    (dev / "b.yaml").symlink_to(tmp_path / "secret")
    with pytest.raises(Terminal, match=r"dev/b.yaml is a symbolic link") as error:
        read_worktree(repo, "dev", YAML)
    assert "password" not in str(error.value)


@pytest.mark.parametrize(("name", "shown"), [(b"line\nbreak.yaml", r"line\nbreak"), (b"\xff.yaml", r"\xff")])
def test_a_name_that_the_agent_refuses_is_refused(repo, dev, commit, name, shown):
    (dev / os.fsdecode(name)).write_text("a: 1\n")
    told = []
    for read in (
        lambda: read_worktree(repo, "dev", YAML),
        lambda: git.worktree_files(repo, YAML),
        lambda: git.read_files(repo, commit(), "dev", YAML),
    ):
        with pytest.raises(Terminal) as error:
            read()
        told.append(str(error.value))
    assert told == [f"dev/{shown}.yaml: name the file in printable UTF-8"] * 3


def test_a_file_that_is_too_large_for_the_agent_is_refused(repo, dev):
    with (dev / "b.yaml").open("wb") as file:
        file.truncate(8 << 20)
    with pytest.raises(Terminal, match=r"dev/b\.yaml has 8388608 bytes: a manifest has at most 4194304"):
        read_worktree(repo, "dev", YAML)


def test_a_file_behind_a_directory_that_became_a_link_is_refused(repo, dev, commit, tmp_path):
    (dev / "sub").mkdir()
    (dev / "sub/b.yaml").write_text("b")
    commit()
    (dev / "sub").rename(tmp_path / "elsewhere")
    (dev / "sub").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Terminal, match="symbolic link"):
        read_worktree(repo, "dev", YAML)


def test_a_directory_that_is_a_link_is_refused(repo, dev):
    (repo / "prod").symlink_to(dev)
    with pytest.raises(Terminal, match="symbolic link"):
        read_worktree(repo, "prod", YAML)


def test_a_submodule_is_refused_though_it_is_not_checked_out(repo, dev, git_in):
    head = git_in("rev-parse", "HEAD")
    git_in("update-index", "--add", "--cacheinfo", f"160000,{head},dev/module")
    with pytest.raises(Terminal, match=r"dev/module is a submodule"):
        read_worktree(repo, "dev", YAML)


def test_a_filter_of_the_repository_is_not_run(repo, dev, git_in, tmp_path):
    (repo / ".gitattributes").write_text("*.yaml filter=evil\n")
    git_in("config", "filter.evil.clean", f"touch {tmp_path}/ran; cat")
    git_in("config", "filter.evil.smudge", f"touch {tmp_path}/ran; cat")
    assert read_worktree(repo, "dev", YAML) == {"dev/a.yaml": b"a: 1\n"}
    assert not (tmp_path / "ran").exists()


def test_a_branch_is_compared_with_where_it_has_left_main(repo, commit, git_in):
    base = git_in("rev-parse", "HEAD")
    git_in("switch", "-qc", "feature")
    (repo / "x").write_text("x")
    commit()
    git_in("switch", "-q", "main")
    (repo / "y").write_text("y")
    commit()
    git_in("switch", "-q", "feature")
    assert fork_point(repo) == base


def test_what_was_fetched_goes_before_the_local_branch(repo, commit, git_in):
    base = git_in("rev-parse", "HEAD")
    git_in("update-ref", "refs/remotes/origin/main", base)
    (repo / "x").write_text("x")
    commit()
    assert fork_point(repo) == base


def test_without_a_main_branch_the_commit_itself_is_taken(repo, git_in):
    git_in("branch", "-m", "trunk")
    assert fork_point(repo) == git_in("rev-parse", "HEAD")


def test_a_shallow_clone_says_what_to_fetch(repo, commit, git_in, tmp_path):
    (repo / "x").write_text("x")
    commit()
    git_in("switch", "-qc", "feature")
    (repo / "y").write_text("y")
    commit()
    git_in("switch", "-q", "main")
    clone = tmp_path / "clone"
    shallow = ("--depth=1", "--branch=feature", "--no-single-branch")
    subprocess.run(["git", "clone", "-q", *shallow, f"file://{repo}", clone], check=True)
    with pytest.raises(Terminal, match="git fetch --unshallow"):
        fork_point(clone)
