from datetime import UTC, datetime, timedelta

import pytest

from mlplane.data.duetimes import fault_of, latest_due, next_due


def at(text):
    return datetime.fromisoformat(f"2026-01-{text}").replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "after", "now", "latest", "following"),
    [
        # now is:             before the due time
        ("0 3 * * *", "01T03:00", "02T02:59:59", None, "02T03:00"),
        # at it
        ("0 3 * * *", "01T03:00", "02T03:00", "02T03:00", "03T03:00"),
        ("0 3 * * *", "01T03:00", "02T03:00:01", "02T03:00", "03T03:00"),
        # after it, and it was followed already
        ("0 3 * * *", "02T03:00", "02T03:00:01", None, "03T03:00"),
        # several were missed: the latest
        ("0 * * * *", "01T03:00", "02T03:59", "02T03:00", "02T04:00"),
        ("*/15 * * * *", "02T03:00", "02T03:44:59", "02T03:30", "02T03:45"),
        # Saturday and Sunday; the 2nd is a Friday
        ("0 6 * * 6-7", "01T00:00", "02T23:00", None, "03T06:00"),
        ("0 6 * * 6-7", "01T00:00", "04T05:00", "03T06:00", "04T06:00"),
        # the clock was set back
        ("0 3 * * *", "02T03:00", "01T12:00", None, "02T03:00"),
    ],
)
def test_the_latest_due_time_since_and_the_next(schedule, after, now, latest, following):
    assert latest_due(schedule, at(after), at(now)) == (latest and at(latest))
    assert next_due(schedule, at(now)) == at(following)


def test_a_schedule_that_is_never_due_in_a_year_is_due_in_the_next():
    assert next_due("0 0 29 2 *", at("01T00:00")) == datetime(2028, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule",
    ["61 * * * *", "* 24 * * *", "0 0 31 2 *", "*/0 * * * *", "5-3 * * * *", "a b c d e", "* * * * 8"],
)
def test_a_schedule_that_no_clock_can_follow_has_a_fault(schedule):
    assert fault_of(schedule)


@pytest.mark.parametrize("schedule", ["* * * * *", "0 3 * * *", "*/5 8-18 1,15 jan-jun mon-fri"])
def test_a_good_schedule_has_none(schedule):
    assert fault_of(schedule) == ""


def test_every_due_time_is_found_once_by_who_looks_each_minute():
    schedule, now, after, found = "*/7 * * * *", at("01T00:00"), at("01T00:00"), []
    while now < at("01T03:00"):
        now += timedelta(seconds=50)
        if due := latest_due(schedule, after, now):
            found.append(due)
            after = due
    wanted = [at("01T00:00") + timedelta(minutes=m) for m in range(181) if m and m % 60 % 7 == 0]
    assert found == wanted
