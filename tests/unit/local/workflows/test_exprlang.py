"""The expression language of tags, hooks, retries and depends."""

import pytest

from mlplane.local.workflows import exprlang
from mlplane.local.workflows.exprfunctions import ExpressionError

CONFIG = '{"a": "1", "staff": [{"name": "Ann", "age": 43}, {"name": "Bob", "age": 42}]}'
KNOWN = {
    "inputs.parameters.foo": "4",
    "inputs.parameters.should-print": "true",
    "steps.flip-coin.outputs.result": "heads",
    "steps.heads.outputs.result": "H",
    "tasks.producer.outputs.parameters.msg": None,
    "workflow.parameters": "[]",
    "workflow.parameters.config": CONFIG,
    "lastRetry.exitCode": "2",
    "lastRetry.message": "pod deleted",
}


@pytest.mark.parametrize(
    ("text", "want"),
    [
        # Of Argo's examples.
        ("inputs.parameters[\"should-print\"] == 'true'", True),
        ("steps['flip-coin'].outputs.result == 'heads' ? steps.heads.outputs.result : steps.tails.x", "H"),
        ("asInt(inputs.parameters.foo) == 1? 1: asInt(inputs.parameters.foo) == 2? 1: 'more'", "more"),
        ("toJson(filter([1, 3], {# > 1}))", "[3]"),
        ("asInt(inputs.parameters.foo) * 10", 40),
        ("jsonpath(workflow.parameters.config, '$.a')", "1"),
        ("jsonpath(workflow.parameters.config, '$.staff[?(@.name==\"Ann\")].age')", [43]),
        ("jsonpath(workflow.parameters.config, '$.staff[?(@.age>42 && @.age<44)].name')", ["Ann"]),
        ("jsonpath(workflow.parameters.config, '$.staff[*].name')", ["Ann", "Bob"]),
        ("tasks.producer.outputs.parameters.msg ?? 'fallback'", "fallback"),
        ("asInt(lastRetry.exitCode) > 1 && lastRetry.message matches 'shutdown|pod deleted'", True),
        # Operators, by their binding.
        ("1 + 2 * 3", 7),
        ("-2 ** 2", -4.0),
        ("!true || true", True),
        ("not (1 in [1, 2]) or 'a' in {a: 1}", True),
        ("1 not in [2]", True),
        ("'abc' startsWith 'a' and 'abc' endsWith 'c' and 'abc' contains 'b'", True),
        ("7 % 4 == 3", True),
        ("5 / 2", 2.5),
        ("1..3", [1, 2, 3]),
        ("[1, 2, 3][1:]", [2, 3]),
        ("[1, 2, 3][-1]", 3),
        ("'a' + \"\\tb\"", "a\tb"),
        # Nothing is converted.
        ("'1' == 1", False),
        ("true == 1", False),
        ("1 == 1.0", True),
        # Functions of lists and texts.
        ("map([1, 2], {# * 2})", [2, 4]),
        ("filter([{n: 1}, {n: 2}], .n > 1)", [{"n": 2}]),
        ("all([1, 2], # > 0) && any([1, 2], # > 1) && none([1], # > 1) && one([1, 2], # > 1)", True),
        ("'a,b' | split(',') | len()", 2),
        ("join(['a', 'b'], '-')", "a-b"),
        ("string(1) + upper('x')", "1X"),
        ("fromJSON('{\"a\": [1]}').a[0]", 1),
        ("nil?.x ?? 'none'", "none"),
        # The right of what is decided is not looked at.
        ("false && nobody.knows", False),
        ("true ? 1 : nobody.knows", 1),
    ],
)
def test_expressions_have_the_values_that_expr_lang_gives(text, want):
    found = exprlang.evaluate(text, KNOWN)
    assert (found, type(found)) == (want, type(want))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("nobody", "unknown name nobody"),
        ("steps.nobody.outputs.result", "cannot fetch outputs from <nil>"),
        ("'a' > 1", "invalid operation: > (mismatched types string and int)"),
        ("'a' + 1", "invalid operation: + (mismatched types string and int)"),
        ("1 && true", "a bool is needed"),
        ("asInt('x')", "invalid operation: int("),
        ("sprig.trim('x')", "the function trim of a library, such as sprig, is not supported here"),
        ("now()", "unknown name now"),
        ("1 +", "is no expression"),
        ("'x' matches '('", ""),
        ("1..100000000", "is no range of at most"),
        ("jsonpath(workflow.parameters.config, '$.b')", "there is no such value"),
        ("jsonpath('no json', '$.b')", "is no JSON"),
        ("1 / 0", "division by zero"),
        # What Python minds.
        ("1 in 5", "1 in 5"),
        ("1 in {a: 1}[[1]]", "unhashable"),
        ("5[1:2]", "5[1:2]"),
        ("[1] in {a: 1}", "unhashable"),
        ("int(repeat('9', 400)) / 2", "too large"),
        ("int(repeat('9', 4000)) * int(repeat('9', 4000))", "digits"),
        ("007", "'007'"),
        ('"\\ud800"', "surrogates"),
        ("+".join(["1"] * 2000), "recursion"),
        # What would fill the memory, or take its time.
        ("repeat('ab', 1000000)", "repeat: more than 1000000 characters"),
        ("'" + "x" * 40000 + "'", "has 40002 characters, 32768 are allowed"),
    ],
)
def test_an_expression_without_a_value_says_why(text, why):
    with pytest.raises(ExpressionError) as caught:
        exprlang.evaluate(text, KNOWN)
    assert why in str(caught.value)


@pytest.mark.parametrize("text", ["007", "+".join(["1"] * 2000), "'" + "x" * 40000 + "'"])
def test_what_cannot_be_read_is_found_before_it_is_evaluated(text):
    with pytest.raises(ExpressionError):
        exprlang.check(text)


@pytest.mark.timeout(10)
def test_a_regular_expression_takes_no_longer_than_its_text():
    assert exprlang.evaluate("msg matches '^(a+)+$'", {"msg": "a" * 40 + "!"}) is False
    assert exprlang.evaluate("'shut down' matches '^shut\\\\s+(?i)DOWN$'", {}) is True


def test_a_condition_must_be_true_or_false():
    assert exprlang.holds("1 < 2", {}) is True
    with pytest.raises(ExpressionError, match="unable to cast expression result '3' to bool"):
        exprlang.holds("3", {})


def test_a_name_that_others_begin_with_gives_way_to_them():
    assert exprlang.evaluate("workflow.parameters.config == ''", KNOWN) is False
