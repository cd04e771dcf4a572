"""The order and the times in which keys are worked on."""

import pytest

from mlplane.engine.schedule import Backoff, Schedule


@pytest.fixture
def schedule():
    return Schedule(chance=lambda: 1.0, backoff=Backoff(first=1.0, last=8.0))


def test_keys_come_in_the_order_in_which_they_became_due(schedule):
    schedule.add("late", at=2.0)
    schedule.add("first", at=1.0)
    schedule.add("second", at=1.0)
    assert [schedule.take(now=5.0) for _ in range(4)] == ["first", "second", "late", None]


def test_a_key_added_twice_is_worked_on_once(schedule):
    schedule.add("a", at=1.0)
    schedule.add("a", at=1.0)
    assert [schedule.take(now=1.0), schedule.take(now=1.0)] == ["a", None]
    schedule.succeeded("a")
    assert schedule.take(now=9.0) is None
    assert schedule.next_at() is None


def test_nothing_is_taken_before_it_is_due(schedule):
    schedule.add("a", at=3.0)
    assert schedule.take(now=2.9) is None
    assert schedule.next_at() == 3.0
    assert schedule.take(now=3.0) == "a"


def test_of_two_times_the_earlier_one_counts(schedule):
    schedule.add("a", at=5.0)
    schedule.add("a", at=1.0)
    schedule.add("a", at=9.0)
    assert schedule.next_at() == 1.0
    assert schedule.take(now=1.0) == "a"
    schedule.succeeded("a")
    assert schedule.next_at() is None


def test_a_key_added_during_its_work_comes_again_only_after_it(schedule):
    schedule.add("a", at=1.0)
    assert schedule.take(now=1.0) == "a"
    schedule.add("a", at=2.0)
    assert schedule.take(now=3.0) is None
    schedule.succeeded("a")
    assert schedule.take(now=3.0) == "a"


def test_work_that_succeeded_may_ask_for_another_look(schedule):
    schedule.add("a", at=0.0)
    schedule.take(now=0.0)
    schedule.succeeded("a", again_at=7.0)
    assert schedule.next_at() == 7.0


def test_a_wake_during_the_work_is_not_delayed_by_the_look_asked_for(schedule):
    schedule.add("a", at=0.0)
    schedule.take(now=0.0)
    schedule.add("a", at=1.0)
    schedule.succeeded("a", again_at=300.0)
    assert schedule.next_at() == 1.0


def test_failures_in_a_row_wait_twice_as_long_each_up_to_a_limit_and_success_forgets_them(schedule):
    now, delays = 0.0, []
    schedule.add("a", at=now)
    for _ in range(5):
        assert schedule.take(now) == "a"
        delays.append(schedule.failed("a", now))
        now = schedule.next_at()
    assert delays == [1.0, 2.0, 4.0, 8.0, 8.0]
    schedule.take(now)
    schedule.succeeded("a")
    schedule.add("a", at=now)
    schedule.take(now)
    assert schedule.failed("a", now) == 1.0


def test_a_failure_of_one_key_does_not_delay_another(schedule):
    schedule.add("bad", at=0.0)
    schedule.add("good", at=0.0)
    schedule.take(now=0.0)
    schedule.failed("bad", now=0.0)
    assert schedule.take(now=0.0) == "good"


def test_a_wake_shortens_the_wait_after_a_failure(schedule):
    schedule.add("a", at=0.0)
    schedule.take(now=0.0)
    schedule.failed("a", now=0.0)
    schedule.add("a", at=0.1)
    assert schedule.next_at() == 0.1


@pytest.mark.parametrize("failures", [1, 2, 10, 10_000])
@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_back_off_is_spread_over_the_upper_half_and_never_above_the_limit(failures, chance):
    full = min(15.0, 0.1 * 2 ** min(failures - 1, 32))
    assert full / 2 <= Backoff().delay(failures, chance) < full
