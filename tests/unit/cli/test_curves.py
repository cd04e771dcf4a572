"""Metrics as curves: what is taken from a log, and how it is drawn."""

import io
import json

import pytest
from rich.console import Console

from mlplane.cli.curves import Curves, drawn
from mlplane.cli.trials import table_of


def line(step=None, **metrics):
    point = {"metrics": metrics} | ({} if step is None else {"step": step})
    return json.dumps({"mlplane": point})


def taken(*lines):
    curves = Curves()
    for each in lines:
        curves.take(each)
    return curves


def shown(what, width=80):
    stream = io.StringIO()
    Console(width=width, file=stream).print(what)
    return [text.rstrip() for text in stream.getvalue().rstrip("\n").splitlines()]


def test_a_step_that_is_told_again_after_a_restart_counts_once():
    curves = taken(line(1, loss=3), line(2, loss=2), line(3, loss=9), line(2, loss=2), line(3, loss=1))
    assert curves.rows() == [{"step": 1, "loss": 3}, {"step": 2, "loss": 2}, {"step": 3, "loss": 1}]


def test_metrics_of_different_steps_stand_beside_each_other():
    curves = taken(line(1, loss=3), line(2, loss=2, accuracy=0.5), line(accuracy=0.7))
    assert curves.rows() == [
        {"step": 1, "loss": 3, "accuracy": 0.7},
        {"step": 2, "loss": 2, "accuracy": 0.5},
    ]


def test_a_step_that_has_more_metrics_later_is_told_again():
    curves, told = taken(line(1, loss=3), line(2, loss=2)), set()
    assert curves.news(told) == ['{"step": 1, "loss": 3.0}', '{"step": 2, "loss": 2.0}']
    curves.take(line(2, accuracy=0.5))
    assert curves.news(told) == ['{"step": 2, "loss": 2.0, "accuracy": 0.5}']
    assert curves.news(told) == []


@pytest.mark.parametrize(
    "text",
    [
        "loss 3",
        '{"mlplane": 7}',
        '{"mlplane": {"progress": "1/3"}}',
        '{"mlplane": {"metrics": [1]}}',
        '"mlplane" {',
        "[" * 100_000 + '"mlplane"',
        '{"mlplane": {"metrics": {"loss": null, "name": "x", "inf": 1e999}}}',
    ],
)
def test_other_lines_of_a_log_are_no_metrics(text):
    curves = taken(text)
    assert curves.rows() == []


@pytest.mark.parametrize("width", [80, 120])
def test_each_metric_is_one_plot_within_the_width(width):
    curves = taken(*(line(step, loss=2 / step, accuracy=1 - 1 / step, lr=0.003) for step in range(1, 31)))
    lines = shown(drawn(curves, width), width)
    assert max(map(len, lines)) <= width
    assert [name for name in ("loss", "accuracy", "lr") if any(name in text for text in lines)] == [
        "loss", "accuracy", "lr",
    ]  # fmt: skip
    assert len(lines) <= (30 if width == 80 else 20)
    assert any("0.06667 at step 30" in text for text in lines)


def test_the_first_and_the_last_value_are_drawn_as_well_as_the_highest_and_the_lowest():
    rows = shown(drawn(taken(line(1, a=0), line(30, a=1)), 80))[1:7]
    plot = [row.partition("┤")[2] for row in rows]
    assert plot[-1][0] != plot[-1][-1] == "⠀"
    assert plot[0][-1] != "⠀"


def test_one_point_and_one_value_are_drawn_too():
    assert len(shown(drawn(taken(line(7, loss=0.5)), 80))) == 8
    assert len(shown(drawn(taken(line(1, lr=0), line(2, lr=0)), 80))) == 8


def test_the_trials_of_a_sweep_are_a_table_with_the_best_marked():
    sweep = {"objective": {"metric": "accuracy"}, "parameters": [{"name": "lr"}]}
    trials = [
        {"index": 2, "params": {"lr": "[red]"}, "state": "Failed"},
        {"index": 1, "params": {"lr": "0.1"}, "state": "Succeeded", "score": "0.91"},
    ]
    body = {"spec": {"sweep": sweep}, "status": {"trials": trials, "bestTrial": 1}}
    lines = [text.split() for text in shown(table_of(body))]
    assert lines == [
        ["trial", "lr", "accuracy", "state"],
        ["★", "1", "0.1", "0.91", "Succeeded"],
        ["2", "[red]", "Failed"],
    ]
    assert "no trial has ended yet" in shown(table_of({"spec": {"sweep": sweep}}))[0]
