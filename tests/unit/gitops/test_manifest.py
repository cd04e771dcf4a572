import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.gitops.manifest import Document, ManifestError, load

TEXT = """\
# a comment
apiVersion: mlplane.dev/v1alpha1
kind: Dataset
spec:
  columns:
  - {name: pixels, width: 64}
  - name: "label"
"""


@pytest.fixture
def document():
    return load(TEXT, "data.yaml")[0]


def body(text):
    return load(text, "f.yaml")[0].body


def test_a_document_knows_its_file_and_its_first_line(document):
    assert (document.file, document.line, document.body["kind"]) == ("data.yaml", 2, "Dataset")


@pytest.mark.parametrize(
    ("path", "key", "want"),
    [
        (("kind",), False, (3, 7)),
        (("kind",), True, (3, 1)),
        (("spec", "columns", 0, "width"), False, (6, 27)),
        (("spec", "columns", 0, "width"), True, (6, 20)),
        (("spec", "columns", 1), False, (7, 5)),
        (("spec", "columns", 1, "type"), False, (7, 5)),
        (("spec", "splits"), True, (4, 1)),
        (("metadata",), True, (2, 1)),
        ((), False, (2, 1)),
    ],
    ids=[
        "value",
        "name",
        "value in a line",
        "name in a line",
        "entry of a list",
        "missing: the entry",
        "missing: the field around it",
        "missing at the top",
        "the object",
    ],
)
def test_every_field_has_a_place(document, path, key, want):
    assert document.position(path, key=key) == want


def test_a_scalar_is_known_as_it_is_written():
    [made] = load("a: 1e-3\nb: [x]\n", "f")
    assert made.text(("a",)) == "1e-3"
    assert made.text(("b",)) == made.text(("absent",)) == ""


@pytest.mark.parametrize(
    ("written", "want"),
    [
        ("1", 1),
        ("-0x1F", -31),
        ("0777", 511),
        ("0o17", 15),
        ("1_000", 1000),
        ("08", 8.0),
        ("0.5", 0.5),
        ("1e-3", 0.001),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("1:30", "1:30"),
        ("2026-01-02", "2026-01-02"),
        ("1.2.3", "1.2.3"),
        ("+.", "+."),
        ("'1'", "1"),
        ('"yes"', "yes"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_a_scalar_means_what_it_means_to_kubectl(written, want):
    got = body(f"a: {written}")["a"]
    assert (got, type(got)) == (want, type(want))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n---\n"])
def test_a_file_may_hold_nothing(text):
    assert load(text, "f") == []


def test_an_empty_document_after_the_object_is_no_second_object():
    assert body("---\na: 1\n---\n") == {"a": 1}


def test_an_anchor_may_be_used_again():
    assert body("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\n---\nb: 1\n", (2, 1), "split the documents"),
        ("kind: A\nkind: B\n", (2, 1), "the field kind is given twice; the first time in line 1"),
        ("a:\n  b: 1\n  b: 2\n", (3, 3), "the field b is given twice"),
        ("a: !!python/object:os.system x\n", (1, 4), "tags are not allowed"),
        ("!!map {a: 1}\n", (1, 1), "tags are not allowed"),
        ("!!str a: 1\n", (1, 1), "tags are not allowed"),
        ("a: {<<: {b: 1}}\n", (1, 5), "merge keys"),
        ("a: *x\n", (1, 4), "there is no anchor &x"),
        ("a: &x [*x]\n", (1, 8), "stands inside what it stands for"),
        ("a: .nan\n", (1, 4), "no number that an API server takes"),
        ("a: -.inf\n", (1, 4), "no number that an API server takes"),
        ("a: 1e999\n", (1, 4), "no number that an API server takes"),
        ("a: 9223372036854775808\n", (1, 4), "does not fit in 64 bits"),
        (f"a: {'9' * 5000}\n", (1, 4), "quote it if it is text"),
        ("? [a]\n: 1\n", (1, 3), "names of fields must be plain strings"),
        ("{*a : 1}\n", (1, 2), "names of fields must be plain strings"),
        ("- 1\n", (1, 1), "a manifest is a mapping"),
        ("text\n", (1, 1), "a manifest is a mapping"),
        ("a: [1\nb: 2\n", (2, 2), "not valid YAML"),
        ("a:\n\tb: 1\n", (2, 1), "cannot start any token"),
        ("a: 1\nb: \x00\n", (2, 4), "control characters are not allowed"),
        ("a: " + "[" * 40 + "]" * 40, (1, 36), "nested deeper than 32 levels"),
    ],
)
def test_what_a_manifest_may_not_do_is_refused_with_its_place(text, place, words):
    with pytest.raises(ManifestError) as caught:
        load(text, "f.yaml")
    assert caught.value.position == place
    assert words in caught.value.message
    assert str(caught.value) == f"f.yaml:{place[0]}:{place[1]}: {caught.value.message}"


def laughs(levels):
    first = "a0: &a0 [x, x, x, x, x, x, x, x, x]"
    more = (f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, levels))
    return "\n".join([first, *more])


@pytest.mark.parametrize(
    "text",
    [laughs(30), "[" * 500_000, "{a: " * 200_000, "a: " + "[1, " * 100_000, "- " * 300_000],
    ids=["a billion laughs", "lists", "mappings", "lists of lists", "dashes"],
)
def test_a_bomb_is_refused_at_once_and_in_little_memory(text):
    tracemalloc.start()
    began = time.process_time()
    with pytest.raises(ManifestError):
        load(text, "f.yaml")
    took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 1
    assert peak < 20 << 20


def test_a_file_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(ManifestError, match="a manifest may have 1048576"):
        load("a" * ((1 << 20) + 1), "f")


@given(
    st.one_of(
        st.text(max_size=200),
        st.text(alphabet=" \n\t:-?,[]{}#&*!|>'\"%@`~<0123456789.eExo_yn\\u\x85\u2028abcé", max_size=80),
    )
)
def test_any_text_is_a_document_or_an_error_with_a_place(text):
    position, documents = (1, 1), []
    try:
        documents = load(text, "f")
    except ManifestError as error:
        position = error.position
    breaks = sum(map(text.count, "\n\r\x85\u2028\u2029"))
    assert 1 <= position[0] <= breaks + 2
    assert position[1] >= 1
    assert all(isinstance(d, Document) and isinstance(d.body, dict) for d in documents)


def test_an_error_is_one_line_whatever_a_field_is_called():
    with pytest.raises(ManifestError) as refused:
        load('"a\\r\\n\\e[2J": 1\n"a\\r\\n\\e[2J": 2\n', "f.yaml")
    assert str(refused.value) == "f.yaml:2:1: the field a���[2J is given twice; the first time in line 1"
