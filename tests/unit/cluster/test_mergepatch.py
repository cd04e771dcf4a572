"""Merge patches that say only what changed."""

from mlplane.cluster.mergepatch import change


def test_nothing_changed_is_an_empty_patch():
    body = {"a": 1, "b": {"c": [1, {"d": 2}]}}
    assert change(body, dict(body)) == {}


def test_what_is_gone_becomes_null_and_what_is_new_is_there():
    assert change({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"c": 1, "e": [3]}}) == {
        "a": None,
        "b": {"d": None, "e": [3]},
    }
