"""The byte form of records, worked out a second time without any library of data."""

import datetime
import hashlib
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.data.digests import record_digests, split_digest

COLUMNS = (
    DataColumn(name="i", type="Integer", nulls="Allowed"),
    DataColumn(name="n", type="Number", nulls="Allowed"),
    DataColumn(name="s", type="String", nulls="Allowed"),
    DataColumn(name="f", type="Boolean", nulls="Allowed"),
    DataColumn(name="t", type="Timestamp", nulls="Allowed"),
    DataColumn(name="b", type="Binary", nulls="Allowed"),
    DataColumn(name="v", type="Number", width=2, nulls="Allowed"),
)
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SIZES = {"Integer": 8, "Number": 8, "Timestamp": 8, "Boolean": 1, "String": 32, "Binary": 32}


def form(value, kind):
    if value is None:
        return b"\x01" + bytes(SIZES[kind])
    match kind:
        case "Integer":
            content = struct.pack("<q", value)
        case "Timestamp":
            content = struct.pack("<q", (value - EPOCH) // datetime.timedelta(microseconds=1))
        case "Number":
            content = struct.pack("<d", value if value else 0.0)
        case "Boolean":
            content = bytes([value])
        case _:
            content = hashlib.sha256(value.encode() if kind == "String" else value).digest()
    return b"\x00" + content


def digest_by_hand(record, columns):
    parts = [
        form(value, column.type)
        for column in columns
        for value in (record[column.name] if column.width else [record[column.name]])
    ]
    return hashlib.sha256(b"".join(parts)).digest()


def optional(strategy):
    return st.none() | strategy


numbers = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(-(5 * 10**15), 7 * 10**15).map(lambda us: EPOCH + datetime.timedelta(microseconds=us))
records = st.fixed_dictionaries(
    {
        "i": optional(st.integers(-(2**63), 2**63 - 1)),
        "n": optional(numbers),
        "s": optional(st.text(max_size=5)),
        "f": optional(st.booleans()),
        "t": optional(moments),
        "b": optional(st.binary(max_size=5)),
        "v": st.lists(optional(numbers), min_size=2, max_size=2),
    }
)


def batch_of(found, columns=COLUMNS):
    return pa.RecordBatch.from_pylist(found, schema=schema_of(columns))


@given(st.lists(records, min_size=1, max_size=5))
def test_a_digest_can_be_worked_out_by_hand(found):
    digests = record_digests(batch_of(found), COLUMNS)
    assert [bytes(d) for d in digests] == [digest_by_hand(record, COLUMNS) for record in found]


@given(st.lists(records, min_size=2, max_size=5))
def test_a_digest_does_not_depend_on_the_records_beside_it(found):
    whole = record_digests(batch_of(found), COLUMNS)
    part = record_digests(batch_of(found)[1:], COLUMNS)
    assert whole[1:].tolist() == part.tolist()


def test_minus_zero_is_zero():
    columns = (DataColumn(name="n", type="Number"),)
    one, two = record_digests(batch_of([{"n": 0.0}, {"n": -0.0}], columns), columns)
    assert one.tolist() == two.tolist()


@pytest.mark.parametrize("other", [{"s": "1"}, {"s": None}, {"s": ""}])
def test_missing_and_empty_and_other_texts_differ(other):
    columns = (DataColumn(name="s", type="String", nulls="Allowed"),)
    alike = [r for r in ({"s": "1"}, {"s": None}, {"s": ""}) if r != other]
    digests = record_digests(batch_of([other, *alike], columns), columns).tolist()
    assert digests[0] not in digests[1:]


def test_the_digest_of_a_split_is_that_of_its_records_in_order_and_never_changes(tmp_path):
    columns = (DataColumn(name="a", type="Integer"), DataColumn(name="b", type="String", nulls="Allowed"))
    found = [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    pq.write_table(pa.Table.from_batches([batch_of(found, columns)]), tmp_path / "a.parquet")
    named = b'mlplane split v2\n[["a","Integer",1],["b","String",1]]\n'
    records = b"".join(digest_by_hand(record, columns) for record in found)
    by_hand = hashlib.sha256(named + records).hexdigest()
    # Written down: another digest would make every stored version look damaged.
    assert by_hand == WRITTEN_DOWN
    assert split_digest(tmp_path / "a.parquet", columns) == f"sha256:{by_hand}"


def test_columns_that_change_their_names_make_another_split(tmp_path):
    columns = (DataColumn(name="a", type="Integer"), DataColumn(name="b", type="Integer"))
    for name, order in (("one", ("a", "b")), ("other", ("b", "a"))):
        table = pa.Table.from_pylist([{order[0]: 1, order[1]: 2}], schema=schema_of(columns))
        pq.write_table(table, tmp_path / f"{name}.parquet")
    swapped = (columns[1], columns[0])
    assert split_digest(tmp_path / "one.parquet", columns) != split_digest(
        tmp_path / "other.parquet", swapped
    )


WRITTEN_DOWN = "84a942f6ac1bf8470ce886e9aa915c84f91ec1d5eb64d90923193a51ca8a20cf"
