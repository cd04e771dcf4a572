"""Tags and conditions."""

import re

import pytest

from mlplane.local.workflows.templating import Unresolvable, should_execute, substitute, tags_of


def test_tags_are_replaced_wherever_a_string_is():
    value = {"a": ["{{x}}-{{ y }}", 3], "b": {"c": "plain", "d": None}}
    assert substitute(value, {"x": "1", "y": "2"}) == {"a": ["1-2", 3], "b": {"c": "plain", "d": None}}


def test_what_a_tag_is_replaced_by_is_not_looked_at_again():
    assert substitute("{{x}}", {"x": "{{y}}", "y": "secret"}) == "{{y}}"


def test_an_unknown_tag_is_an_error_and_not_text():
    with pytest.raises(Unresolvable, match=r"failed to resolve \{\{z\}\}"):
        substitute("a {{z}}", {"x": "1"})


def test_an_absent_output_cannot_be_substituted():
    with pytest.raises(Unresolvable, match="absent optional"):
        substitute("a {{z}}", {"z": None})


def test_json_in_a_string_is_left_alone():
    text = '{"a": {"b": [{"c": {}}]}}'
    assert substitute(text, {}) == text
    assert tags_of(text) == frozenset()


@pytest.mark.parametrize(
    ("when", "want"),
    [
        ("", True),
        ("false == false", True),
        ("true == false", False),
        ("true != false", True),
        ("abc == abc", True),
        ("'abc' == abc", True),
        ('"a b" != "a c"', True),
        ("'' == ''", True),
        ("1 == 1.0", True),
        ("'true' == true", False),
        ("1 == '1'", False),
        ("true", True),
        ("!(a == b)", True),
        ("a < b", True),
        ("2 >= 10", False),
        ("heads =~ 'hea.*'", True),
        ("heads !~ tails", True),
        ("a in (a, b)", True),
        ("a == b || (c == c && 3 > 2)", True),
        ("1 + 2 * 3 == 7", True),
        ("true ? false : true", False),
    ],
)
def test_conditions_compare_as_argo_does(when, want):
    assert should_execute(when) == want


@pytest.mark.parametrize("when", [" == false", "sha256:1 == x", "a == ", "(a == b", "a b"])
def test_what_is_no_condition_is_refused_with_a_hint(when):
    with pytest.raises(Unresolvable, match=r"Invalid 'when' expression .*quotes"):
        should_execute(when)


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("a && b", "Failed to evaluate 'when' expresion 'a && b'"),
        ("flip-coin == x", "cannot be used with the modifier '-'"),
        ("maybe", "Expected boolean evaluation for 'maybe'. Got maybe"),
        ("10 ** 400 > 1", "out of range"),
        ("a =~ '('", "missing )"),
        ("0 ** -1 > 1", "Failed to evaluate"),
        ("+".join(["1"] * 2000) + " > 1", "recursion"),
        ("a == '" + "x" * 40000 + "'", "32768 are allowed"),
    ],
)
def test_a_condition_that_has_no_truth_says_why(when, why):
    with pytest.raises(Unresolvable, match=re.escape(why)):
        should_execute(when)


@pytest.mark.timeout(10)
def test_a_regular_expression_of_a_condition_takes_no_longer_than_its_text():
    assert should_execute(f"'{'a' * 40}!' !~ '^(a+)+$'")
