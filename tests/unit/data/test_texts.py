import datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.api.dataset import DataColumn
from mlplane.data.texts import parse


def parsed(texts, kind, **column):
    found = parse(pa.array(texts, pa.large_utf8()), DataColumn(name="c", type=kind, **column))
    return found.array.to_pylist(), found.bad.tolist()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("Integer", "7", 7),
        ("Integer", "+7", 7),
        ("Integer", "-007", -7),
        ("Integer", " 7\t", 7),
        ("Integer", "9223372036854775807", 2**63 - 1),
        ("Integer", "-9223372036854775808", -(2**63)),
        ("Number", "05", 5.0),
        ("Number", "1e1", 10.0),
        ("Number", ".5", 0.5),
        ("Number", "1.", 1.0),
        ("Number", "-2.5E-3", -0.0025),
        ("Number", "+1", 1.0),
        ("Number", "0.1", 0.1),
        ("Number", "9007199254740993", 9007199254740992.0),
        ("Number", "1e-999", 0.0),
        ("Boolean", "TRUE", True),
        ("Boolean", " False ", False),
        ("String", " a ", " a "),
        ("String", "", ""),
        ("Binary", "AAH/", b"\x00\x01\xff"),
        ("Binary", "", b""),
    ],
)
def test_a_value_may_be_written_in_these_ways(kind, text, value):
    assert parsed([text], kind) == ([value], [False])


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Integer", "1.0"),
        ("Integer", "1e1"),
        ("Integer", "0x1F"),
        ("Integer", "1_000"),
        ("Integer", "٣"),
        ("Integer", "9223372036854775808"),
        ("Integer", "secret"),
        ("Number", "nan"),
        ("Number", "Infinity"),
        ("Number", "1e999"),
        ("Number", "0x1p3"),
        ("Number", "1,5"),
        ("Number", "1 000"),
        ("Boolean", "1"),
        ("Boolean", "yes"),
        ("Timestamp", "2024-02-30"),
        ("Timestamp", "2024-05-01T25:00Z"),
        ("Timestamp", "2024-05-01T08:30:15.1234567Z"),
        ("Timestamp", "01.05.2024"),
        ("Timestamp", "1714552200"),
        ("Binary", "AAH"),
        ("Binary", "AA H/"),
    ],
)
def test_what_does_not_fit_is_marked_and_missing_and_its_neighbours_are_not(kind, text):
    good = {"Timestamp": "2024-05-01", "Boolean": "true", "Binary": "AAAA"}.get(kind, "1")
    values, bad = parsed([good, text, good], kind)
    assert bad == [False, True, False]
    assert values[1] is None
    assert None not in (values[0], values[2])


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01T06:30:15Z",
        "2024-05-01 06:30:15",
        "2024-05-01T08:30:15+02:00",
        "2024-05-01T08:30:15.000000+0200",
    ],
)
def test_a_moment_is_the_same_however_it_is_written(text):
    moment = datetime.datetime(2024, 5, 1, 6, 30, 15, tzinfo=datetime.UTC)
    assert parsed([text, "2024-05-01"], "Timestamp") == (
        [moment, datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)],
        [False, False],
    )


@pytest.mark.parametrize("kind", ["Integer", "Number", "Boolean", "Timestamp", "String", "Binary"])
def test_an_empty_field_is_a_missing_value_where_values_may_be_missing(kind):
    assert parsed([""], kind, nulls="Allowed") == ([None], [False])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_a_number_is_the_one_that_python_reads(numbers):
    values, bad = parsed([repr(n) for n in numbers], "Number")
    assert not any(bad)
    assert np.array(values).tobytes() == (np.array(numbers) + 0.0).tobytes()


@given(st.lists(st.integers(-(2**64), 2**64), min_size=1))
def test_a_whole_number_is_exact_or_does_not_fit(numbers):
    values, bad = parsed(list(map(str, numbers)), "Integer")
    fits = [-(2**63) <= n < 2**63 for n in numbers]
    assert bad == [not ok for ok in fits]
    assert values == [n if ok else None for n, ok in zip(numbers, fits, strict=True)]
