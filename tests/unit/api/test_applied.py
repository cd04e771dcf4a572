"""When an object need not be applied."""

import copy

import pytest

from mlplane.api.applied import is_as, since

WANTED = {
    "metadata": {"name": "a", "labels": {"x": "1"}},
    "spec": {"model": {"env": [{"name": "A", "value": "1"}], "runtime": "r"}},
}
OWNED = {
    "f:metadata": {"f:labels": {"f:x": {}}},
    "f:spec": {"f:model": {"f:runtime": {}, "f:env": {".": {}, 'k:{"name":"A"}': {".": {}, "f:value": {}}}}},
}


def found(**more):
    body = copy.deepcopy(WANTED)
    entry = {"manager": "me", "operation": "Apply", "fieldsV1": OWNED}
    body["metadata"] |= {"resourceVersion": "7", "uid": "u", "managedFields": [entry]}
    return body | more


def test_what_is_there_and_owned_need_not_be_applied():
    assert is_as(found(status={"x": 1}), WANTED, "me")


def test_defaults_do_not_matter():
    body = found()
    body["spec"]["model"]["protocolVersion"] = "v2"
    assert is_as(body, WANTED, "me")


@pytest.mark.parametrize("value", ["2", None, 7, {}])
def test_a_field_that_somebody_has_changed_is_applied_again(value):
    body = found()
    body["spec"]["model"]["env"][0]["value"] = value
    assert not is_as(body, WANTED, "me")


def test_a_field_that_is_wanted_no_longer_is_applied_away():
    less = copy.deepcopy(WANTED)
    del less["spec"]["model"]["runtime"]
    assert not is_as(found(), less, "me")


@pytest.mark.parametrize("entries", [None, [], "text", [None], [{"manager": "other", "operation": "Apply"}]])
def test_what_the_manager_does_not_own_is_applied(entries):
    body = found()
    body["metadata"]["managedFields"] = entries
    assert not is_as(body, WANTED, "me")


def test_what_was_found_is_the_condition_of_what_is_applied():
    metadata = {"name": "a", "labels": {"x": "1"}, "resourceVersion": "7", "uid": "u"}
    assert since(found(), WANTED)["metadata"] == metadata
    assert since(None, WANTED) == WANTED
