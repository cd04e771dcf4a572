"""Loops as several turns, named as Argo names them."""

import pytest

from mlplane.local.workflows import loops
from mlplane.local.workflows.templating import Unresolvable


def names(caller, scope=None):
    return [turn.name for turn in loops.turns({"name": "x", **caller}, scope or {})]


@pytest.mark.parametrize(
    ("caller", "want"),
    [
        ({"withItems": ["hello world", "bye"]}, ["x(0:hello world)", "x(1:bye)"]),
        ({"withItems": [1, 1.5, True]}, ["x(0:1)", "x(1:1.5)", "x(2:true)"]),
        (
            {"withItems": [{"tag": "9.1", "image": "debian", "n": 1}]},
            ["x(0:image:debian,n:1,tag:9.1)"],
        ),
        ({"withItems": [["a", 2]]}, ["x(0:[a 2])"]),
        ({"withItems": ["f(x)"]}, ["x(0:fx)"]),
        ({"withItems": []}, []),
        ({"withItems": ["{{p}}"]}, ["x(0:v)"]),
        ({"withParam": '[{"a": "1"}, "b"]'}, ["x(0:a:1)", "x(1:b)"]),
        ({"withParam": "{{list}}"}, ["x(0:1)", "x(1:2)"]),
        ({"withSequence": {"count": "3"}}, ["x(0:0)", "x(1:1)", "x(2:2)"]),
        ({"withSequence": {"start": "100", "end": "101"}}, ["x(0:100)", "x(1:101)"]),
        ({"withSequence": {"start": 1, "count": 2}}, ["x(0:1)", "x(1:2)"]),
        ({"withSequence": {"start": "1", "end": "-1"}}, ["x(0:1)", "x(1:0)", "x(2:-1)"]),
        ({"withSequence": {"count": "1", "format": "user%02X"}}, ["x(0:user00)"]),
        ({"withSequence": {"count": "0"}}, []),
    ],
)
def test_turns_are_named_by_number_and_item(caller, want):
    assert names(caller, {"p": "v", "list": "[1, 2]"}) == want


def test_an_item_is_known_as_a_whole_and_by_its_fields():
    [turn] = loops.turns({"name": "x", "withItems": [{"b": {"c": 1}, "a": "<1>"}]}, {})
    assert turn.scope == {"item": '{"a":"\\u003c1\\u003e","b":{"c":1}}', "item.a": "<1>", "item.b": '{"c":1}'}


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        ({"withParam": "heads"}, "withParam value could not be parsed as a JSON list: heads"),
        ({"withParam": '{"a": 1}'}, "it is no list"),
        ({"withItems": [None]}, "withItems[0] expected string, number, list, or map"),
        ({"withSequence": {"count": "many"}}, "allowed is a whole number"),
        ({"withSequence": {"count": "1", "format": "%d %d"}}, "is no format of one number"),
        ({"withSequence": {"count": "100001"}}, "at most 100000 turns"),
    ],
)
def test_a_loop_without_a_list_says_why(caller, why):
    with pytest.raises(Unresolvable) as caught:
        names(caller)
    assert why in str(caught.value)


def test_a_list_that_cannot_be_made_does_not_matter_to_a_loop_that_is_not_run():
    caller = {"name": "x", "withParam": "{{steps.gone.outputs.result}}", "when": "a == b"}
    assert loops.turns_if_run(caller, {}) == []
    with pytest.raises(Unresolvable):
        loops.turns_if_run({**caller, "when": "a == a"}, {})
