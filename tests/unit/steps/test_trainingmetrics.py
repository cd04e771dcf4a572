"""What a script said about its training, kept with the run."""

import json

import pytest

from mlplane.errors import Terminal
from mlplane.steps.trainingmetrics import keep_metrics, last_values, metrics_path, training_curves
from mlplane.store.artifacts import Store
from mlplane.training import metrics, signals
from mlplane.training.signals import METRICS_ENV, METRICS_LIMIT

KEY = "sha256:" + "a" * 64


@pytest.fixture
def store(tmp_path):
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file that ``training.metrics`` writes."""
    path = tmp_path / "metrics.jsonl"
    monkeypatch.setattr(signals, "_late", {})
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
    assert last_values(store, KEY) == {"loss": 999.0}, "the last value counts, however long it took"


def test_the_last_value_of_each_metric_is_known_also_if_it_was_no_number(store, file):
    metrics(step=0, loss=0.5, accuracy=0.25)
    metrics(step=1, loss=float("inf"))
    keep_metrics(store, KEY, file)
    assert last_values(store, KEY) == {"loss": None, "accuracy": 0.25}
    assert last_values(store, "sha256:" + "b" * 64) == {}


def test_last_values_that_are_damaged_are_told(store, file, tmp_path):
    metrics(loss=1)
    keep_metrics(store, KEY, file)
    (tmp_path / "store" / metrics_path(KEY)).write_text('{"last": {"loss": "low"}}')
    with pytest.raises(Terminal, match=r"metrics\.json in the store .* is damaged"):
        last_values(store, KEY)


@pytest.mark.parametrize("limit", [20_000, 200])
def test_who_goes_on_from_a_checkpoint_has_said_what_was_said_before_it(store, file, monkeypatch, limit):
    monkeypatch.setattr(signals, "METRICS_LIMIT", limit)
    for step in range(6):
        metrics(step=step, loss=step)
    before = signals.said()
    metrics(step=6, loss=60)  # lost: it is said again after the checkpoint
    file.unlink()
    signals.late_file(file).unlink(missing_ok=True)
    monkeypatch.setattr(signals, "_late", {})

    signals.say_again(before)
    metrics(step=6, loss=6)
    keep_metrics(store, KEY, file)
    assert last_values(store, KEY) == {"loss": 6.0}
    [loss] = training_curves(store, KEY)
    assert loss["steps"] == list(range(len(loss["steps"])))
    assert len(loss["steps"]) == (7 if limit > 1000 else 5)


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
