from io import StringIO

import pytest
from rich.console import Console

from mlplane.cli.following import advance
from mlplane.cli.stages import Stage
from mlplane.cli.timeline import Timeline
from mlplane.errors import Terminal


@pytest.fixture
def timeline():
    ticks = iter(range(100))
    return Timeline(Console(file=StringIO()), clock=lambda: float(next(ticks)))


def stages(*states):
    return tuple(Stage(f"s{index}", state, f"d{index}") for index, state in enumerate(states))


def test_stages_end_in_their_order_even_if_a_later_one_is_done_first(timeline):
    seen = stages("pending", "done", "pending")
    assert advance(seen, ["s0", "s1", "s2"], timeline) == ["s0", "s1", "s2"]
    assert timeline.lines == []
    assert (timeline.current, timeline.detail) == ("s0", "d0")


def test_all_stages_that_are_done_end_at_once(timeline):
    assert advance(stages("done", "done", "pending"), ["s0", "s1", "s2"], timeline) == ["s2"]
    assert [line.name for line in timeline.lines] == ["s0", "s1"]


def test_a_stage_that_was_over_before_is_not_counted_again(timeline):
    assert advance(stages("pending", "done", "done"), ["s1", "s2"], timeline) == []
    assert [line.name for line in timeline.lines] == ["s1", "s2"]


def test_a_stage_that_failed_ends_it_all_with_its_reason(timeline):
    with pytest.raises(Terminal, match="s1 failed: d1"):
        advance(stages("done", "failed", "pending"), ["s0", "s1", "s2"], timeline)
