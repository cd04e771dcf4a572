from datetime import UTC, datetime

import pytest

from mlplane.api.promotion import Freeze
from mlplane.gitops.freezes import frozen_at


def freeze(**fields):
    return Freeze.model_validate({"name": "weekend", "timeZone": "Europe/Vienna", **fields})


WEEKEND = freeze(schedule="0 16 * * 5", hours=64)
HOLIDAYS = freeze(name="holidays", since="2026-12-20T00:00", until="2027-01-07T08:00")


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Vienna is one hour ahead of UTC in winter and two in summer.
@pytest.mark.parametrize(
    ("moment", "until"),
    [
        ("2026-11-20T14:59", None),
        ("2026-11-20T15:00", "2026-11-23T07:00"),
        ("2026-11-22T00:00", "2026-11-23T07:00"),
        ("2026-11-23T06:59", "2026-11-23T07:00"),
        ("2026-11-23T07:00", None),
        ("2026-07-17T14:00", "2026-07-20T06:00"),
    ],
)
def test_a_freeze_by_a_schedule_is_of_the_clock_of_its_time_zone(moment, until):
    found = frozen_at([WEEKEND], at(moment))
    assert (found and found.until) == (until and at(until))


def test_hours_pass_as_they_do_on_the_night_in_which_clocks_are_set():
    # From Friday 16:00 CET 64 hours pass until Monday 09:00 CEST.
    assert frozen_at([WEEKEND], at("2027-03-28T12:00")).until == at("2027-03-29T07:00")


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [
        ("2026-12-19T22:59", False),
        ("2026-12-19T23:00", True),
        ("2027-01-07T06:59", True),
        ("2027-01-07T07:00", False),
    ],
)
def test_a_freeze_that_is_once_has_its_begin_and_not_its_end(moment, frozen):
    assert bool(frozen_at([HOLIDAYS], at(moment))) == frozen


def test_of_two_the_one_that_lasts_longer_is_told():
    assert frozen_at([WEEKEND, HOLIDAYS], at("2026-12-26T12:00")).name == "holidays"


def test_a_freeze_that_begins_again_before_it_is_over_never_ends():
    always = freeze(schedule="0 0 * * *", hours=30)
    assert frozen_at([always], at("2026-11-21T23:30")).until == at("2026-11-23T05:00")


def test_without_freezes_nothing_is_frozen():
    assert frozen_at([], at("2026-12-26T12:00")) is None
