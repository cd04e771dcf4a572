"""What a script said about its training, kept with the run."""

import json

import pytest

from mlplane.steps.trainingmetrics import keep_metrics, metrics_path, training_curves
from mlplane.store.artifacts import Store
from mlplane.training import metrics
from mlplane.training.signals import METRICS_ENV, METRICS_LIMIT

KEY = "sha256:" + "a" * 64


@pytest.fixture
def store(tmp_path):
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file that ``training.metrics`` writes."""
    path = tmp_path / "metrics.jsonl"
    monkeypatch.setenv(METRICS_ENV, str(path))
    return path


def test_what_a_script_says_becomes_curves(store, file, capsys):
    for step in range(3):
        metrics(step=step, loss=1 / (step + 1), learning_rate=0.1)
    metrics(accuracy=0.5)
    metrics(accuracy=float("nan"))
    metrics(accuracy=0.75)
    assert len(capsys.readouterr().out.splitlines()) == 6, "it is printed as well"
    keep_metrics(store, KEY, file)
    assert training_curves(store, KEY) == [
        {"metric": "loss", "steps": [0, 1, 2], "values": [1, 0.5, 0.333333]},
        {"metric": "learning_rate", "steps": [0, 1, 2], "values": [0.1, 0.1, 0.1]},
        {"metric": "accuracy", "steps": [0, 1], "values": [0.5, 0.75]},
    ]


def test_a_long_training_is_kept_up_to_a_limit_and_drawn_with_few_points(store, file, monkeypatch, capsys):
    monkeypatch.setattr("mlplane.training.signals.METRICS_LIMIT", 20_000)
    for step in range(1000):
        metrics(step=step, loss=step)
    assert 19_000 < file.stat().st_size <= 20_000
    assert len(capsys.readouterr().out.splitlines()) == 1000
    keep_metrics(store, KEY, file)
    [loss] = training_curves(store, KEY)
    assert loss["steps"] == loss["values"]
    assert len(loss["steps"]) == 200


def test_lines_that_are_no_metrics_are_left_out_and_a_file_that_is_too_long_is_cut(store, file):
    odd = [
        "[1]",
        "{",
        '{"metrics": 5}',
        '{"metrics": {"loss": "low"}}',
        '{"metrics": {"loss": 1e999}}',
        '{"metrics": {"loss": 1' + "0" * 400 + "}}",
        '{"metrics": {"loss": 1}, "step": Infinity}',
        "[" * 100_000,
        "\x00",
    ]
    line = json.dumps({"metrics": {"loss": 1.5}, "step": 1})
    file.write_text("\n".join([*odd, line]) + "\n" + "x" * METRICS_LIMIT + f"\n{line}\n")
    keep_metrics(store, KEY, file)
    assert training_curves(store, KEY) == [{"metric": "loss", "steps": [1], "values": [1.5]}]


def test_a_script_that_said_nothing_leaves_nothing(store, tmp_path):
    keep_metrics(store, KEY, tmp_path / "none.jsonl")
    assert store.get_json(metrics_path(KEY)) is None
    assert training_curves(store, KEY) == []


def test_no_verdict_depends_on_curves_that_are_damaged(store, file, tmp_path):
    file.write_text('{"metrics": {"loss": 1}}\n')
    keep_metrics(store, KEY, file)
    (tmp_path / "store" / metrics_path(KEY)).write_text("{")
    assert training_curves(store, KEY) == []
