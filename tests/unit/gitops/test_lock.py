import re
from pathlib import Path

import pytest

from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.lock import Content, lock, lock_commit, stale

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


@pytest.fixture
def pinned(locked, git_in):
    return Content("train", git_in("log", "-1", "--format=%H", "--", "train"))


def test_a_fresh_pin_is_not_stale(locked, pinned):
    assert stale(locked, {pinned}) == {}


def test_a_pin_is_stale_when_its_path_has_changed_since(locked, pinned, commit):
    (locked / "train" / "train.py").write_text("print(2)\n")
    commit()
    found = stale(locked, {pinned})[pinned]
    assert re.fullmatch(r"train has changed since commit [0-9a-f]{12}; run `mlplane lock --commit`", found)


def test_a_pin_stays_fresh_when_something_else_changes(locked, pinned, commit):
    (locked / "other.txt").write_text("x")
    commit()
    assert stale(locked, {pinned}) == {}


@pytest.mark.parametrize(
    ("path", "at", "want"),
    [
        ("train", ZEROS, "train is not pinned yet"),
        ("train", "1" * 40, "train is pinned to 111111111111, which this repository does not have"),
        ("data", "", "data is in no commit: commit it"),
    ],
)
def test_a_pin_that_leads_nowhere_is_stale(locked, git_in, path, at, want):
    content = Content(path, at or git_in("rev-parse", "HEAD"))
    assert stale(locked, {content}) == {content: f"{want}; run `mlplane lock --commit`"}


def test_a_pin_to_another_branch_is_stale(repo, git_in, commit):
    git_in("switch", "-q", "-c", "side")
    side = Content("train", commit("empty"))
    git_in("switch", "-q", "main")
    assert "not in the history of HEAD" in stale(repo, {side})[side]


def test_of_many_pins_those_that_are_stale_are_told(locked, pinned, commit):
    (locked / "train" / "train.py").write_text("print(2)\n")
    now, lost = Content("train", commit()), Content("train", "1" * 40)
    assert set(stale(locked, {pinned, now, lost})) == {pinned, lost}


def test_broken_yaml_is_told_with_its_place(repo):
    (repo / "run.yaml").write_text("git: {commit: [\n")
    with pytest.raises(InvalidInput, match=r"run\.yaml:\d"):
        lock(repo)
