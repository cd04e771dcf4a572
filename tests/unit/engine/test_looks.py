"""When watches are begun anew because one of them has missed something."""

import pytest

from mlplane.engine.looks import Pace

PACE = Pace(patience=8.0, longest=60.0)


@pytest.mark.parametrize(
    ("since", "heard", "begun", "anew"),
    [
        (100, 0, 0, False),
        (91, 0, 0, True),
        (91, 99, 0, False),
        (41, 99, 0, False),
        (39, 99, 0, True),
        (39, 99, 50, False),
        (39, 0, 91, True),
        (39, 0, 95, False),
    ],
    ids=[
        "just found",
        "silent for longer than the patience",
        "tells of others, so it may be catching up",
        "tells of others for nearly the longest time",
        "tells of others, but has missed this for too long",
        "was begun anew since, and has its time again",
        "was begun anew and is silent",
        "was begun anew just now",
    ],
)
def test_a_watch_that_missed_something_is_begun_anew(since, heard, begun, anew):
    assert PACE.is_up(since, heard=heard, begun=begun, now=100) is anew
