import subprocess

import pytest

from mlplane.errors import Terminal
from mlplane.gitops import git


def test_last_commit_is_the_one_that_changed_the_path(repo, commit, git_in):
    changed = git_in("rev-parse", "HEAD")
    (repo / "other.txt").write_text("x")
    commit()
    assert git.last_commit(repo, "train") == changed


def test_last_commit_of_a_path_in_no_commit_is_an_error(repo):
    with pytest.raises(Terminal, match="no commit of HEAD contains nowhere"):
        git.last_commit(repo, "nowhere")


def test_last_commit_takes_a_path_literally(repo, commit):
    (repo / "other.txt").write_text("x")
    commit()
    with pytest.raises(Terminal, match="no commit of HEAD contains"):
        git.last_commit(repo, "oth*")


def test_last_commit_of_a_shallow_clone_is_refused(repo, tmp_path, commit):
    commit("second")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", f"file://{repo}", str(clone)], check=True)
    with pytest.raises(Terminal, match="unshallow"):
        git.last_commit(clone, "train")


def test_an_unknown_revision_is_named(repo):
    with pytest.raises(Terminal, match=r"repo has no revision 'nosuch': commit or fetch it"):
        git.resolve(repo, "nosuch")


@pytest.mark.parametrize("revision", ["--output=x", "-h"])
def test_a_revision_is_never_an_option(repo, revision):
    with pytest.raises(Terminal):
        git.resolve(repo, revision)
    assert not (repo / "x").exists()


def test_files_come_from_the_commit_and_not_from_the_working_tree(repo, commit):
    (repo / "dev" / "deep").mkdir(parents=True)
    (repo / "dev" / "a.yaml").write_text("a: 1\n")
    (repo / "dev" / "deep" / "ü b.yaml").write_bytes(b"b: \n\n2")
    (repo / "dev" / "readme.md").write_text("no")
    head = commit()
    (repo / "dev" / "a.yaml").write_text("a: changed\n")
    assert git.read_files(repo, head, "dev", (".yaml",)) == {
        "dev/a.yaml": b"a: 1\n",
        "dev/deep/ü b.yaml": b"b: \n\n2",
    }


def test_files_of_the_whole_repository(repo, git_in):
    assert git.read_files(repo, "HEAD", ".", (".py",)) == {"train/train.py": b"print(1)\n"}


def test_a_path_that_is_not_in_the_commit_is_an_error(repo):
    with pytest.raises(Terminal, match=r"repo has no 'nowhere' at HEAD: commit it"):
        git.read_files(repo, "HEAD", "nowhere", (".yaml",))


def test_a_symbolic_link_is_refused(repo, commit):
    (repo / "dev").mkdir()
    (repo / "dev" / "a.yaml").symlink_to("/etc/passwd")
    commit()
    with pytest.raises(Terminal, match=r"dev/a\.yaml is a symbolic link"):
        git.read_files(repo, "HEAD", "dev", (".yaml",))


def test_a_submodule_is_refused(repo, git_in, commit):
    (repo / "dev").mkdir()
    (repo / "dev" / "a.yaml").write_text("a: 1")
    git_in("submodule", "--quiet", "add", str(repo), "dev/module")
    commit()
    with pytest.raises(Terminal, match="dev/module is a submodule"):
        git.read_files(repo, "HEAD", "dev", (".yaml",))


def test_a_commit_holds_the_named_paths_and_nothing_else_that_is_staged(repo, git_in):
    (repo / "a.txt").write_text("a")
    (repo / "b.txt").write_text("b")
    git_in("add", "b.txt")
    made = git.commit(repo, "only a", ["a.txt"])
    assert git_in("show", "--name-only", "--format=", made) == "a.txt"
    assert git_in("diff", "--cached", "--name-only") == "b.txt"


def test_no_hook_of_the_repository_runs(repo):
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch ran\n")
    hook.chmod(0o755)
    (repo / "a.txt").write_text("a")
    git.commit(repo, "a", ["a.txt"])
    assert not (repo / "ran").exists()


def test_the_variables_of_a_hook_do_not_lead_to_another_repository(repo, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git.root(repo / "train") == repo


def test_a_directory_outside_of_any_repository_has_no_root(tmp_path):
    assert git.root(tmp_path) is None


def test_other_failures_are_told_in_gits_words(tmp_path):
    with pytest.raises(Terminal, match=r"git in .*: not a git repository"):
        git.resolve(tmp_path, "HEAD")


def test_a_directory_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(Terminal, match="nowhere does not exist"):
        git.resolve(tmp_path / "nowhere", "HEAD")


def test_a_new_file_makes_a_path_dirty_whatever_the_user_has_configured(repo, git_in):
    git_in("config", "status.showUntrackedFiles", "no")
    assert not git.is_dirty(repo, "train")
    (repo / "train" / "new.py").write_text("")
    assert git.is_dirty(repo, "train")


def test_the_remote_origin_comes_first(repo, git_in):
    git_in("remote", "add", "abc", "ssh://git@example.com/x.git")
    assert git.remote_urls(repo) == ["https://git.example.com/team/digits.git", "ssh://git@example.com/x.git"]


def test_a_repository_may_have_no_working_tree(repo, tmp_path):
    subprocess.run(["git", "clone", "-q", "--bare", str(repo), str(tmp_path / "bare")], check=True)
    assert git.is_repository(tmp_path / "bare")
    assert git.is_repository(repo / "train")
    assert not git.is_repository(tmp_path)
    assert not git.is_repository(tmp_path / "nowhere")
