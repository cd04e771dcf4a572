"""Checkpoints as a script sees them, outside of mlplane."""

import signal

import pytest
import torch

from mlplane import training
from mlplane.errors import InvalidInput, Terminal
from mlplane.training.context import RUN_ENV, RunContext


def test_outside_of_mlplane_a_training_begins_at_the_start_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    kept = training.checkpoints(0, model=torch.nn.Linear(1, 1))
    assert kept.done == 0
    kept.save(1)
    assert kept.done == 1
    assert list(tmp_path.iterdir()) == []


def test_what_has_no_state_is_refused():
    with pytest.raises(InvalidInput, match=r"checkpoints\(rate=…\) is a float: it has no state_dict"):
        training.checkpoints(rate=0.1)


def test_a_training_does_not_go_backward():
    kept = training.checkpoints(model=torch.nn.Linear(1, 1))
    kept.save(2)
    with pytest.raises(ValueError, match="checkpoint 1: 2 parts were finished before"):
        kept.save(1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """As in a run that keeps checkpoints; gives their directory."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    context = RunContext(
        dataset="d", folder="", columns=(), splits={}, withheld="", params={}, seed=0, output="",
        checkpoints=str(folder),
    )  # fmt: skip
    (tmp_path / "run.json").write_text(context.model_dump_json(by_alias=True))
    monkeypatch.setenv(RUN_ENV, str(tmp_path / "run.json"))
    before = signal.getsignal(signal.SIGTERM)
    yield folder
    signal.signal(signal.SIGTERM, before)


def test_parts_and_random_numbers_go_on_where_they_were(run):
    one = torch.nn.Linear(2, 2)
    training.checkpoints(0, model=one).save(3)
    expected = torch.rand(4)
    other = torch.nn.Linear(2, 2)
    kept = training.checkpoints(0, model=other)
    assert kept.done == 3
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(other.weight, one.weight)


def test_a_checkpoint_that_is_not_due_is_not_written(run):
    training.checkpoints(3600, model=torch.nn.Linear(2, 2)).save(3)
    assert list(run.iterdir()) == []


def test_a_checkpoint_of_other_parts_is_refused(run):
    training.checkpoints(0, model=torch.nn.Linear(2, 2)).save(3)
    with pytest.raises(Terminal, match="holds the parts model; the script names net"):
        training.checkpoints(0, net=torch.nn.Linear(2, 2))
