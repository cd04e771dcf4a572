import pytest

from mlplane.errors import InvalidInput
from mlplane.schema.cel import rules_of, violations


def rule(text, message="broken"):
    return {"x-kubernetes-validations": [{"rule": text, "message": message}]}


def found(schema, value):
    return [(v.path, v.message) for v in violations(rules_of(schema), value)]


def test_a_rule_that_holds_says_nothing():
    assert found(rule("self.a == 1"), {"a": 1}) == []


def test_rules_are_found_at_any_depth_with_the_place():
    schema = {
        "properties": {
            "list": {"items": rule("self > 0")},
            "map": {"additionalProperties": rule("self > 0")},
        }
    }
    value = {"list": [1, 0], "map": {"x": 0}}
    assert found(schema, value) == [(("list", 1), "broken"), (("map", "x"), "broken")]


def test_the_sum_of_a_list_is_known_as_in_kubernetes():
    schema = rule("self.splits.map(s, s.percent).sum() == 100")
    assert found(schema, {"splits": [{"percent": 80}, {"percent": 20}]}) == []
    assert found(schema, {"splits": [{"percent": 80}]}) == [((), "broken")]


def test_a_rule_about_an_older_object_says_nothing_about_a_new_one():
    schema = rule("self == oldSelf")
    assert not rules_of(schema)
    assert found(schema, {"a": 1}) == []


def test_a_rule_that_cannot_be_evaluated_counts_as_broken():
    [(_, message)] = found(rule("self.absent == 1"), {})
    assert message.startswith("broken (the rule `self.absent == 1` failed:")


def test_a_rule_without_a_message_is_its_own():
    assert found({"x-kubernetes-validations": [{"rule": "self.a"}]}, {"a": False}) == [
        ((), "failed rule: self.a")
    ]


def test_a_null_is_not_judged():
    assert found({"properties": {"a": rule("self > 0")}}, {"a": None}) == []


def test_a_rule_that_is_no_cel_is_refused_with_the_place():
    with pytest.raises(InvalidInput, match=r"the CEL rule `self\.x \+` is not valid"):
        rules_of(rule("self.x +"))
