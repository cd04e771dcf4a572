"""What a watch has not told, and what it has missed."""

import pytest

from mlplane.api.refs import Ref
from mlplane.engine.freshness import Missing, Told

A = Ref("mlplane.dev/v1alpha1", "Dataset", "dev", "a")


@pytest.fixture
def told():
    return Told()


def look(told, now, **versions):
    """What is missing, as {name: since}."""
    listed = {Ref(A.api_version, A.kind, A.namespace, name): version for name, version in versions.items()}
    return {ref.name: missing.since for ref, missing in told.look(listed, now).items()}


def test_what_was_told_is_not_missing(told):
    told.tell(A, "9", gone=False)
    assert look(told, 1.0, a="9") == {}


@pytest.mark.parametrize(("tells", "listed"), [((), "9"), (("9",), "10"), (("99",), "100"), (("x1",), "x2")])
def test_a_version_that_was_not_told_is_missing_since_the_first_look(told, tells, listed):
    for version in tells:
        told.tell(A, version, gone=False)
    assert look(told, 1.0, a=listed) == {"a": 1.0}
    assert look(told, 4.0, a=listed) == {"a": 1.0}
    told.tell(A, listed, gone=False)
    assert look(told, 7.0, a=listed) == {}


def test_a_list_that_is_behind_the_watch_is_no_reason_to_worry(told):
    told.tell(A, "10", gone=False)
    assert look(told, 1.0, a="9") == {}


def test_an_object_that_changes_all_the_time_is_missing_anew_while_the_watch_follows(told):
    assert look(told, 1.0, a="5") == {"a": 1.0}
    told.tell(A, "5", gone=False)
    assert look(told, 4.0, a="7") == {"a": 4.0}


def test_an_object_that_changes_all_the_time_is_missing_for_long_where_the_watch_does_not_follow(told):
    told.tell(A, "4", gone=False)
    look(told, 1.0, a="5")
    assert look(told, 4.0, a="7") == {"a": 1.0}


@pytest.mark.parametrize(("version", "gone"), [("5", False), ("5", True)], ids=["a change", "an end"])
def test_an_old_event_that_comes_again_changes_nothing(told, version, gone):
    told.tell(A, "9", gone=False)
    told.tell(A, version, gone=gone)
    assert look(told, 1.0, a="9") == {}


def test_an_end_that_was_told_is_not_missing(told):
    told.tell(A, "5", gone=False)
    told.tell(A, "6", gone=True)
    assert look(told, 1.0) == {}


def test_an_end_that_was_not_told_is_missed_at_the_second_look_and_then_settled(told):
    told.tell(A, "5", gone=False)
    assert look(told, 1.0) == {"a": 1.0}
    assert look(told, 4.0) == {"a": 1.0}
    assert look(told, 7.0) == {}


def test_an_object_that_came_after_the_list_was_made_is_not_taken_for_gone(told):
    told.tell(A, "5", gone=False)
    assert look(told, 1.0) == {"a": 1.0}
    assert look(told, 4.0, a="5") == {}


def test_an_object_that_came_after_the_list_and_changed_is_not_missing_for_long(told):
    told.tell(A, "5", gone=False)
    assert look(told, 1.0) == {"a": 1.0}
    assert look(told, 4.0, a="6") == {"a": 4.0}


def test_what_is_missing_is_described(told):
    told.tell(A, "5", gone=False)
    assert told.look({A: "6"}, 1.0) == {A: Missing("6", "5", 1.0)}
