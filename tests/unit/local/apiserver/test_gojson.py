"""What cannot be read is told in the words of Go; a field that is given twice is found."""

import pytest

from mlplane.local.apiserver.gojson import duplicates, load_yaml, loads


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b'{"a": 1} b', "invalid character 'b' after top-level value"),
        (b'{"a": 1,}', "invalid character '}' looking for beginning of object key string"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a": 1 "b": 2}', "invalid character '\"' after object key:value pair"),
        (b"[1 2]", "invalid character '2' after array element"),
        (b"apiVersion: v1", "invalid character 'a' looking for beginning of value"),
        (b'{"a":\x01}', "invalid character '\\x01' looking for beginning of value"),
    ],
)
def test_what_is_no_json_is_told_as_go_does(text: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=r"^invalid|^unexpected") as caught:
        loads(text)
    assert str(caught.value) == words


def test_whole_numbers_beyond_64_bits_are_floats() -> None:
    assert loads(b"[9223372036854775807, 9223372036854775808]") == [2**63 - 1, float(2**63)]
    assert isinstance(loads(b"[9223372036854775808]")[0], float)


def test_fields_that_are_given_twice_are_named_in_the_order_of_the_text() -> None:
    text = b'{"a": {"b": 1, "b": 2}, "l": [{"c": 1, "c": 1, "c": 2}], "a": {"d": 1, "d": 1}}'
    assert duplicates(text) == ["a.b", "l[0].c", "l[0].c", "a"]
    assert duplicates(b'{"a": {"b": 1}, "b": {"b": 1}}') == []


def test_yaml_is_read_with_what_json_has_and_its_keys_are_counted() -> None:
    value, resets = load_yaml(b"a: 2020-01-01\nb: yes\nc:\n  d: 1\n  d: 2\n")
    assert value == {"a": "2020-01-01", "b": True, "c": {"d": 2}}
    assert resets == ['line 5: key "d" already set in map']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: b: c", "yaml: mapping values are not allowed in this context"),
        (b"a: [1", "yaml: line 1: did not find expected ',' or ']'"),
        (b"a:\n  - b\n c: d\n", "yaml: line 2: did not find expected key"),
    ],
)
def test_what_is_no_yaml_is_told_with_the_line(text: bytes, words: str) -> None:
    with pytest.raises(ValueError, match="yaml") as caught:
        load_yaml(text)
    assert str(caught.value) == words
