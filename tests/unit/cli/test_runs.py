"""``mlplane run``: what a person types, and what it says."""

import pytest
from typer.testing import CliRunner

from mlplane.cli.main import app
from mlplane.gitops.scaffold import init


@pytest.fixture
def repo(tmp_path, monkeypatch):
    made = tmp_path / "repo"
    init(made, "digits", "https://git.example.com/team/digits.git")
    monkeypatch.chdir(made)
    return made


def say(*arguments, code=0):
    done = CliRunner().invoke(app, ["run", *arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_a_new_run_says_what_is_other_and_what_to_do_next(repo):
    assert say("new", "digits", "--set", "lr=0.001", "--set", "ler=3", "--gpus", "0").splitlines() == [
        "dev/digits-2.yaml: digits-2, made of dev/trainingrun.yaml",
        "  lr 0.003 -> 0.001",
        "  ler 3 (new; did you mean lr?)",
        "  gpus 0",
        'next: git add dev/digits-2.yaml && git commit -m "Train digits-2"',
    ]
    assert "digits-3, made of dev/digits-2.yaml" in say("rerun", "digits-2")


def test_a_run_is_cancelled_once(repo):
    assert 'git commit -m "Suspend digits-1"' in say("cancel", "digits-1")
    assert say("cancel", "digits-1") == "digits-1 is suspended already\n"
    assert "remove `suspend: true`" in " ".join(say("cancel", "--help").replace("│", "").split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("new", "digits", "--set", "lr"), "--set lr: expected NAME=VALUE"),
        (("new", "nothing"), 'no TrainingRun of model "nothing"'),
        (("rerun", "digits-7"), 'did you mean "digits-1"?'),
    ],
)
def test_what_is_wrong_is_one_line(repo, arguments, message):
    said = say(*arguments, code=1)
    assert message in said
    assert said.startswith("error: ")
    assert said.count("\n") == 1


def test_there_has_to_be_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "is in no git repository" in say("cancel", "digits-1", code=1)
