"""CEL rules of a schema, evaluated as an API server does. Messages are those of kube-apiserver 1.36."""

from typing import Any

import pytest

from mlplane.errors import InvalidInput
from mlplane.structural.celrules import RULES, compile_rules, compiled

STRING = {"type": "string"}
INTEGER = {"type": "integer"}


def broken(schema: dict[str, Any], value: Any, old: Any = None) -> list[tuple[str, str, str]]:
    found = compile_rules(schema).check(value, old)
    return [(cause.reason, cause.field, cause.message) for cause in found]


def obj(*rules: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, RULES: list(rules)}


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("self.a < self.b", {"a": 1, "b": 2}, True),
        ("!has(self.a) || self.a > 0", {}, True),
        ("self.items.all(i, i.startsWith('x'))", {"items": ["x1", "y"]}, False),
        ("self.?a.orValue(3) == 3", {}, True),
        (
            "self.k__dash__b == 'x' && self.__for__ == 'y' && self.u__underscores__v == 'z'",
            {"k-b": "x", "for": "y", "u__v": "z"},
            True,
        ),
        ("self.f + 0.5 < 10.0", {"f": 9}, True),
        ("[1, 2, 2].isSorted() && [1, 2].sum() == 3 && [1, 2].max() == 2 && [1, 2].min() == 1", {}, True),
        ("'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22']", {}, True),
        ("'a1b22'.findAll('[0-9]+', 1) == ['1']", {}, True),
        (
            "isURL('https://h:8/p?q=1') && !isURL('nothing') && url('https://h:8/p?q=1').getPort() == '8'",
            {},
            True,
        ),
        (
            "url('https://h:8').getHost() == 'h:8' && url('https://h/p?q=1').getQuery() == {'q': ['1']}",
            {},
            True,
        ),
        (
            "quantity('1Gi').isGreaterThan(quantity('1G')) "
            "&& quantity('500m').add(quantity('.5')).sub(1).sign() == 0",
            {},
            True,
        ),
        (
            "!isQuantity('x') && quantity('1k').compareTo(quantity('1000')) == 0 && quantity('2').sign() > 0",
            {},
            True,
        ),
        (
            "isIP('::1') && ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3')",
            {},
            True,
        ),
        ("sets.contains([1, 2], [1]) && 'A'.lowerAscii() == 'a' && '%d'.format([3]) == '3'", {}, True),
        ("timestamp(self.at) < timestamp('2030-01-01T00:00:00Z')", {"at": "2026-01-01T00:00:00Z"}, True),
    ],
)
def test_a_rule_sees_the_value_as_kubernetes_shows_it(rule: str, value: Any, holds: bool) -> None:
    schema = obj(
        {"rule": rule, "message": "broken"},
        a=INTEGER,
        b=INTEGER,
        f={"type": "number"},
        items={"type": "array", "items": STRING},
        at={"type": "string", "format": "date-time"},
        **{"k-b": STRING, "for": STRING, "u__v": STRING},
    )
    assert (broken(schema, value) == []) is holds


def test_without_a_message_the_rule_is_shown() -> None:
    assert broken(obj({"rule": "self.a > 0"}, a=INTEGER), {"a": 0}) == [
        ("FieldValueInvalid", "<nil>", "Invalid value: failed rule: self.a > 0")
    ]


def test_a_scalar_is_shown_and_an_object_is_not() -> None:
    schema = obj(a=INTEGER | {RULES: [{"rule": "self > 0", "message": "must be positive"}]})
    assert broken(schema, {"a": -1}) == [("FieldValueInvalid", "a", "Invalid value: -1: must be positive")]


def test_a_message_expression_speaks_before_the_message() -> None:
    rule = {
        "rule": "self.a < self.b",
        "message": "m",
        "messageExpression": "'%d >= %d'.format([self.a, self.b])",
    }
    schema = obj(rule, a=INTEGER, b=INTEGER)
    assert [message for *_, message in broken(schema, {"a": 2, "b": 1})] == ["Invalid value: 2 >= 1"]


def test_a_message_expression_that_fails_leaves_the_message() -> None:
    rule = {"rule": "false", "message": "m", "messageExpression": "string(1 / self.a)"}
    assert [message for *_, message in broken(obj(rule, a=INTEGER), {"a": 0})] == ["Invalid value: m"]


@pytest.mark.parametrize(
    ("reason", "want"),
    [
        ("FieldValueForbidden", "Forbidden: m"),
        ("FieldValueRequired", "Required value: m"),
        ("FieldValueDuplicate", "Duplicate value"),
        ("FieldValueInvalid", "Invalid value: m"),
    ],
)
def test_reason_and_field_path_are_reported(reason: str, want: str) -> None:
    rule = {"rule": "has(self.a)", "message": "m", "reason": reason, "fieldPath": ".a"}
    schema = {"type": "object", "properties": {"spec": obj(rule, a=STRING)}}
    assert broken(schema, {"spec": {}}) == [(reason, "spec.a", want)]


@pytest.mark.parametrize(
    ("rule", "want"),
    [
        ("self.missing.a == 1", "no such key: missing evaluating rule: m"),
        ("self.l[3] == 1", "index out of bounds: 3 evaluating rule: m"),
        ("1 / self.n == 1", "division by zero evaluating rule: m"),
        (
            "self.s + 1 == 2",
            "'no such overload': call arguments did not match a supported operator, function or macro "
            "signature for rule: m",
        ),
    ],
)
def test_a_rule_that_cannot_be_evaluated_does_not_hold(rule: str, want: str) -> None:
    schema = {"type": "object", RULES: [{"rule": rule, "message": "m"}]}
    assert broken(schema, {"l": [], "n": 0, "s": "x"}) == [
        ("FieldValueInvalid", "<nil>", f'Invalid value: "object": {want}')
    ]


IMMUTABLE = STRING | {RULES: [{"rule": "self == oldSelf", "message": "immutable"}]}


def test_a_transition_rule_speaks_only_of_changes() -> None:
    schema = obj(a=IMMUTABLE)
    assert broken(schema, {"a": "x"}) == []
    assert broken(schema, {"a": "x"}, {}) == []
    assert broken(schema, {"a": "x"}, {"a": "x"}) == []
    assert broken(schema, {}, {"a": "x"}) == []
    assert broken(schema, {"a": "y"}, {"a": "x"}) == [
        ("FieldValueInvalid", "a", 'Invalid value: "y": immutable')
    ]


def test_items_of_a_keyed_list_are_compared_with_their_former_selves() -> None:
    item = obj({"rule": "self.v >= oldSelf.v", "message": "only up"}, name=STRING, v=INTEGER)
    schema = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
    }
    old = [{"name": "a", "v": 2}, {"name": "b", "v": 1}]
    assert broken(schema, [{"name": "b", "v": 1}, {"name": "a", "v": 3}, {"name": "c", "v": 0}], old) == []
    assert broken(schema, [{"name": "b", "v": 0}], old) == [
        ("FieldValueInvalid", "[0]", "Invalid value: only up")
    ]


def test_values_of_a_map_are_named_in_brackets() -> None:
    schema = {
        "type": "object",
        "additionalProperties": INTEGER | {RULES: [{"rule": "self > 0", "message": "m"}]},
    }
    assert broken(schema, {"a b": 0}) == [("FieldValueInvalid", "[a b]", "Invalid value: 0: m")]


def test_an_optional_old_self_is_empty_at_a_create() -> None:
    rule = {"rule": "oldSelf.hasValue() || self == 'first'", "optionalOldSelf": True, "message": "m"}
    schema = obj(a=STRING | {RULES: [rule]})
    assert broken(schema, {"a": "first"}) == []
    assert len(broken(schema, {"a": "second"})) == 1
    assert broken(schema, {"a": "second"}, {"a": "first"}) == []


def test_what_did_not_change_is_not_judged_again() -> None:
    schema = obj({"rule": "self.a > 0", "message": "m"}, a=INTEGER, b=INTEGER)
    assert broken(schema, {"a": 0}, {"a": 0}) == []
    assert len(broken(schema, {"a": 0, "b": 1}, {"a": 0})) == 1


def test_null_is_not_judged() -> None:
    assert broken(obj(a=IMMUTABLE | {"nullable": True}), {"a": None}, {"a": "x"}) == []


def test_rules_in_all_of_are_evaluated() -> None:
    schema = obj(a=INTEGER) | {"allOf": [{RULES: [{"rule": "self.a > 0", "message": "m"}]}]}
    assert len(broken(schema, {"a": 0})) == 1


@pytest.mark.parametrize(
    ("rule", "type_name", "want"),
    [
        ("self >", "dyn", "compilation failed: .*<input>:1:7: Syntax error"),
        ("foo > 1", "dyn", "compilation failed: .*undeclared reference to 'foo'"),
        ("self + 1", "int", "cel expression must evaluate to a bool"),
        ("self == 'a'", "int", "compilation failed: .*no matching overload"),
    ],
)
def test_a_rule_that_is_no_cel_is_refused_with_its_place(rule: str, type_name: str, want: str) -> None:
    with pytest.raises(InvalidInput, match=want):
        compiled(rule, type_name)


def test_a_schema_without_rules_has_nothing_to_check() -> None:
    assert not compile_rules({"type": "object", "properties": {"a": STRING}})


def test_what_has_not_changed_is_forgiven_and_told():
    schema = {
        "type": "object",
        "properties": {
            "size": {"type": "integer", "x-kubernetes-validations": [{"rule": "self < 3", "message": "big"}]}
        },
    }
    rules, forgiven = compile_rules(schema), []
    assert list(rules.check({"size": 5}, {"size": 5}, forgiven=forgiven)) == []
    assert [(cause.field, cause.message) for cause in forgiven] == [("size", "Invalid value: 5: big")]
    (broken,) = rules.check({"size": 6}, {"size": 5}, forgiven=(again := []))
    assert (broken.field, again) == ("size", [])


def test_rules_at_all_levels_see_their_own_value_by_its_cel_name_and_type():
    def rule(text):
        return {"rule": text, "message": text}

    share = {"type": "number", RULES: [rule("self <= 1.0")]}
    part = obj(rule("self.max__dash__share <= 1.0"), **{"max-share": share})
    parts = {"type": "array", "items": part}
    schema = obj(rule("self.all__dash__parts.size() < 3"), **{"all-parts": parts})
    value = {"all-parts": [{"max-share": 1}, {"max-share": 2}, {"max-share": 0}]}
    fields = {(field, message.rpartition(": ")[2]) for _, field, message in broken(schema, value)}
    assert fields == {
        ("<nil>", "self.all__dash__parts.size() < 3"),
        ("all-parts[1]", "self.max__dash__share <= 1.0"),
        ("all-parts[1].max-share", "self <= 1.0"),
    }
