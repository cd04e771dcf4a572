from pathlib import Path

import pytest
from rich.console import Console

from mlplane.cli.digit import picture, probabilities
from mlplane.cli.report import Answer, report


def text_of(renderable, width=100):
    console = Console(width=width)
    with console.capture() as captured:
        console.print(renderable, soft_wrap=True)
    return captured.get()


def answer(scores=(0.0, 9.0), label=1):
    return Answer("http://digits-default.localhost:1", "digits", [0.0, 16.0, 8.0, 4.0], list(scores), label)


def test_the_picture_is_as_wide_as_high_and_darker_where_there_is_more_ink():
    assert picture([0, 16, 8, 4], 2).plain == "  ██\n▒▒░░"


def test_values_out_of_range_are_drawn_as_the_nearest():
    assert picture([-1, 99], 2).plain == "  ██"


def test_probabilities_make_one_even_of_huge_scores():
    shares = probabilities([1000.0, 1000.0])
    assert shares == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize(("label", "right", "want"), [(1, True, "✓ right"), (0, False, "✗ wrong")])
def test_the_answer_stands_beside_the_true_label(label, right, want):
    given = answer(label=label)
    assert given.is_right is right
    text = text_of(report(given, 12.34, None))
    assert f"the model says 1, the true label is {label}" in text
    assert want in text
    assert "12.3 s" in text
    assert "http://digits-default.localhost:1" in text


def test_commands_to_copy_are_whole_lines_however_narrow_the_terminal():
    folder = Path("/a/very/long/folder" * 5)
    lines = [line.strip() for line in text_of(report(answer(), 1.0, folder), width=60).splitlines()]
    assert (
        f"curl -s http://digits-default.localhost:1/v1/models/digits:predict -d @{folder}/request.json"
        in lines
    )
    assert f"export KUBECONFIG={folder}/state/kubeconfig" in lines
