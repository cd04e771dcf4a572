"""Label and field selectors: what they match, and the API server's words when they are wrong."""

import pytest

from mlplane.local.apiserver.selection import parse_fields, parse_labels
from mlplane.local.apiserver.statuses import ApiError


@pytest.mark.parametrize(
    ("text", "labels", "want"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a=b,c=d", {"a": "b"}, False),
        ("a != b", {"a": "b"}, False),
        ("a!=b", {}, True),
        ("a in (x, y)", {"a": "y"}, True),
        ("a in (x,y)", {}, False),
        ("a notin (x,y)", {"a": "x"}, False),
        ("a notin (x,y)", {}, True),
        ("a", {"a": ""}, True),
        ("a", {}, False),
        ("!a", {}, True),
        ("! a", {"a": "1"}, False),
        ("a=", {"a": ""}, True),
        ("a in ()", {"a": ""}, True),
        ("a in (,x)", {"a": "x"}, True),
        ("in in (in,notin)", {"in": "notin"}, True),
        ("a>1", {"a": "2"}, True),
        ("a<1", {"a": "2"}, False),
        ("a>1", {"a": "many"}, False),
        ("example.com/name=x,tier notin (a),!old", {"example.com/name": "x"}, True),
    ],
)
def test_a_label_selector_matches(text: str, labels: dict[str, str], want: bool) -> None:
    assert parse_labels(text)(labels) is want


# Each message is what a kube-apiserver 1.36 answers.
@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier"),
        ("a in (x", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("a in x", "unable to parse requirement: found 'x' expected: '('"),
        ("a=b=c", "found '=', expected: ',' or 'end of string'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("=b", "found '=', expected: !, identifier, or 'end of string'"),
        ("a,", "found '', expected: identifier after ','"),
        ("a,,b", "found ',', expected: identifier after ','"),
        (
            "a>x",
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, "
            "the value must be an integer",
        ),
    ],
)
def test_a_malformed_label_selector_is_a_bad_request(text: str, want: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_labels(text)
    assert (caught.value.code, caught.value.reason, caught.value.message) == (400, "BadRequest", want)


@pytest.mark.parametrize("text", ["-a=b", "a/b/c=d", "A/b=c", "a=-x", "x" * 64 + "=a", "a=" + "x" * 64])
def test_keys_and_values_that_no_label_can_have_are_refused(text: str) -> None:
    with pytest.raises(ApiError, match=r"unable to parse requirement: .*Invalid value"):
        parse_labels(text)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("", []),
        ("metadata.name=p", [("metadata.name", "p", True)]),
        (",a==b,c!=d,", [("a", "b", True), ("c", "d", False)]),
        (r"a=m\=1\,2\\", [("a", r"m=1,2\\"[:-1], True)]),
        ("a=", [("a", "", True)]),
    ],
)
def test_a_field_selector_is_a_list_of_terms(text: str, want: list[tuple[str, str, bool]]) -> None:
    assert [(term.label, term.value, term.equal) for term in parse_fields(text)] == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("a", "invalid selector: 'a'; can't understand 'a'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
    ],
)
def test_a_malformed_field_selector_is_a_bad_request(text: str, want: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_fields(text)
    assert (caught.value.code, caught.value.message) == (400, want)
