import re
from pathlib import Path

import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.lock import lock, lock_commit, stale

BEFORE = (Path(__file__).parent / "golden" / "before.yaml").read_bytes()
MANIFEST = """\
kind: {kind}
metadata: {{name: digits-1}}
spec:
  code:
    git: {{url: https://git.example.com/team/digits.git, path: train, commit: {commit}}}
"""
ZEROS = "0" * 40


@pytest.fixture
def locked(repo, commit):
    """A repository whose one manifest is pinned and committed."""
    (repo / "run.yaml").write_text(MANIFEST.format(kind="TrainingRun", commit=ZEROS))
    commit()
    lock_commit(repo)
    return repo


def test_only_the_pins_of_this_repository_change_in_the_file(repo, commit, git_in):
    train = git_in("rev-parse", "HEAD")
    (repo / "data").mkdir()
    (repo / "data" / "digits.csv").write_text("1,2\n")
    (repo / "dev").mkdir()
    (repo / "dev" / "all.yaml").write_bytes(BEFORE)
    data = commit()
    changes = lock(repo)
    first, second, foreign = re.findall(rb"0{40}", BEFORE)
    want = BEFORE.replace(first, data.encode(), 1).replace(second, train.encode(), 1)
    assert foreign in want
    assert (repo / "dev" / "all.yaml").read_bytes() == want
    assert [(c.kind, c.name, c.path, c.new) for c in changes] == [
        ("Dataset", "digits", "data/digits.csv", data),
        ("TrainingRun", "digits-1", "train", train),
    ]


def test_locking_again_changes_nothing(locked):
    before = (locked / "run.yaml").stat().st_mtime_ns
    assert lock_commit(locked) == ([], "")
    assert (locked / "run.yaml").stat().st_mtime_ns == before


def test_lock_refuses_code_that_is_not_committed_and_writes_nothing(locked):
    (locked / "train" / "new.py").write_text("")
    before = (locked / "run.yaml").read_bytes()
    with pytest.raises(Terminal, match="train has changes that are not committed: commit them"):
        lock(locked)
    assert (locked / "run.yaml").read_bytes() == before


def test_a_manifest_that_is_new_is_pinned_and_committed_too(repo, git_in):
    (repo / "run.yaml").write_text(MANIFEST.format(kind="TrainingRun", commit=ZEROS))
    (repo / "notes.txt").write_text("mine")
    changes, made = lock_commit(repo)
    assert [c.file for c in changes] == ["run.yaml"]
    assert git_in("show", "--format=%s", "--name-only", made).split("\n") == ["Pin digits-1", "", "run.yaml"]
    assert git_in("status", "--porcelain") == "?? notes.txt"


def test_a_run_that_is_pinned_anew_is_told_apart_from_a_first_pin(locked, commit):
    (locked / "train" / "train.py").write_text("print(2)\n")
    commit()
    [change] = lock(locked)
    assert change.is_new_content_of_a_run


def test_a_fresh_pin_is_not_stale(locked):
    assert stale(locked, (locked / "run.yaml").read_text(), "run.yaml") == []


def test_a_pin_is_stale_when_its_path_has_changed_since(locked, commit):
    (locked / "train" / "train.py").write_text("print(2)\n")
    commit()
    [found] = stale(locked, (locked / "run.yaml").read_text(), "run.yaml")
    assert (found.file, found.line, found.path) == ("run.yaml", 5, "train")
    assert re.fullmatch(
        r"train has changed since commit [0-9a-f]{12}; run `mlplane lock --commit`", found.message
    )


def test_a_pin_stays_fresh_when_something_else_changes(locked, commit):
    (locked / "other.txt").write_text("x")
    commit()
    assert stale(locked, (locked / "run.yaml").read_text(), "run.yaml") == []


@pytest.mark.parametrize(
    ("pinned", "want"),
    [(ZEROS, "train is not pinned yet"), ("1" * 40, "which this repository does not have")],
)
def test_a_pin_that_leads_nowhere_is_stale(repo, pinned, want):
    [found] = stale(repo, MANIFEST.format(kind="TrainingRun", commit=f"'{pinned}'"), "run.yaml")
    assert want in found.message


def test_a_pin_to_another_branch_is_stale(repo, git_in, commit):
    git_in("switch", "-q", "-c", "side")
    side = commit("empty")
    git_in("switch", "-q", "main")
    [found] = stale(repo, MANIFEST.format(kind="TrainingRun", commit=side), "run.yaml")
    assert "not in the history of HEAD" in found.message


def test_broken_yaml_is_told_with_its_place(repo):
    (repo / "run.yaml").write_text("git: {commit: [\n")
    with pytest.raises(InvalidInput, match=r"run\.yaml:\d"):
        lock(repo)
