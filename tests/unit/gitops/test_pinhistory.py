"""What stands and what was taken back, from the pins of one commit after the other."""

from datetime import UTC, datetime, timedelta

import pytest

from mlplane.api.judgement import PinnedRef
from mlplane.gitops.pinhistory import Moment, history_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def pin(letter: str) -> PinnedRef | None:
    return PinnedRef(name=f"digits-{letter * 8}", digest="sha256:" + letter * 64) if letter != "-" else None


def history(steps: str):
    """Of steps such as ``a b! a~``: ``!`` for a commit that promotes, ``~`` for one that says it reverts."""
    moments = []
    for place, step in enumerate(steps.split()):
        found = pin(step[0])
        message = f"Mlplane-Digest: {found.digest}" if found and "!" in step else "by hand"
        message += "\n\nThis reverts commit 1234." if "~" in step else ""
        moments.append(Moment(str(place), START + timedelta(hours=place), message, found))
    return history_of(moments)


@pytest.mark.parametrize(
    ("steps", "standing", "reverted"),
    [
        ("", "", ""),
        ("a", "a", ""),
        ("a b", "ab", ""),
        ("a b a", "a", "b"),
        ("a b! a~", "a", "b"),
        ("a! -", "-", "a"),
        ("a! - a!", "a", ""),
        ("a b c a", "a", "bc"),
        ("a b c b", "ab", "c"),
        ("a b a b!", "ab", ""),
        ("a b! a!", "aba", ""),
        ("a b! a!~", "a", "b"),
        ("a b a! c", "abac", ""),
        ("a b -", "-", ""),
        ("a a a b b", "ab", ""),
        ("a b a b a", "a", "b"),
    ],
)
def test_what_comes_back_takes_back_what_came_between(steps, standing, reverted):
    found = history(steps)
    assert [move.after for move in found.standing] == [pin(each) for each in standing if each != "-"]
    assert set(found.reverted) == {pin(each).digest for each in reverted}


def test_it_knows_since_when_a_version_is_pinned():
    found = history("a b b c")
    assert found.since("sha256:" + "c" * 64) == START + timedelta(hours=3)
    assert found.since("sha256:" + "b" * 64) is None
