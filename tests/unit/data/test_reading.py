import datetime
import gzip
import json
import tracemalloc
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplane.data import unpacking
from mlplane.data.reading import stage
from mlplane.errors import InvalidInput
from rawdata import raw_files, records_of, spec_of, staged, table_of

COLUMNS = [
    {"name": "v", "type": "Number", "width": 2},
    {"name": "n", "type": "Integer"},
    {"name": "s", "type": "String", "nulls": "Allowed"},
    {"name": "b", "type": "Boolean"},
    {"name": "t", "type": "Timestamp"},
    {"name": "raw", "type": "Binary"},
]
MOMENT = datetime.datetime(2024, 5, 1, 6, 30, tzinfo=datetime.UTC)
EPOCH = datetime.datetime.fromtimestamp(0, datetime.UTC)
RECORDS = [
    {"v": [0.5, -1.0], "n": 9007199254740993, "s": "ä,\n", "b": True, "t": MOMENT, "raw": b"\x00\xff"},
    {"v": [1e300, 0.1], "n": -1, "s": None, "b": False, "t": MOMENT, "raw": b""},
]
CSV = (
    '0.5,-1,9007199254740993,"ä,\n",true,2024-05-01T06:30Z,AP8=\r\n'
    "1e300,0.1,-1,,false,2024-05-01 08:30+02:00,\n"
)
JSONL = r"""
{"v": [0.5, -1], "n": 9007199254740993, "s": "ä,\n", "b": true, "t": "2024-05-01T06:30Z", "raw": "AP8="}

{"x": {"deep": []}, "v": [1e300, 0.1], "n": -1, "b": false, "t": "2024-05-01T06:30:00Z", "raw": ""}
"""


def parquet(directory, records=RECORDS, schema=None, **options):
    path = directory / "a.parquet"
    pq.write_table(pa.Table.from_pylist(records, schema=schema), path, **options)
    return path.read_bytes()


def as_parquet(directory):
    kinds = {
        "raw": pa.binary(),
        "s": pa.dictionary(pa.int8(), pa.string()),
        "v": pa.list_(pa.float64()),
        "n": pa.int64(),
        "b": pa.bool_(),
        "t": pa.timestamp("ms", "Europe/Berlin"),
        "other": pa.list_(pa.list_(pa.int8())),
    }
    return parquet(directory, schema=pa.schema(list(kinds.items())))


def test_the_same_records_in_every_format_are_the_same_records_with_the_same_digests(tmp_path):
    found = {
        "CSV": staged(tmp_path / "c", CSV, spec_of(COLUMNS)),
        "JSONL": staged(tmp_path / "j", JSONL, spec_of(COLUMNS, format="JSONL")),
        "Parquet": staged(tmp_path / "p", as_parquet(tmp_path), spec_of(COLUMNS, format="Parquet")),
    }
    assert {name: each.findings for name, each in found.items()} == dict.fromkeys(found, ())
    assert {name: records_of(each) for name, each in found.items()} == dict.fromkeys(found, RECORDS)
    digests = [table_of(each).column("#digest").to_pylist() for each in found.values()]
    assert digests[0] == digests[1] == digests[2]


def test_text_with_a_mark_at_its_start_and_packed_text_is_read(tmp_path):
    packed = gzip.compress(b"\xef\xbb\xbf" + CSV.encode())
    assert records_of(staged(tmp_path, {"a.csv.gz": packed}, spec_of(COLUMNS))) == RECORDS


def test_files_are_read_in_the_order_of_their_paths_and_rows_count_over_all_of_them(tmp_path):
    spec = spec_of([{"name": "n", "type": "Integer"}], header="Present")
    files = {
        "b/1.csv": "n\n4\n5\n",
        "a.csv": "n\n1\n\n2\nx\n",
        "c.csv": "n\n",
        "_SUCCESS": "",
        ".hidden": "?",
    }
    found = staged(tmp_path, files, spec)
    assert (found.read, found.rows) == (5, 5)
    assert [record["n"] for record in records_of(found)] == [1, 2, None, 4, 5]
    assert table_of(found).column("#row").to_pylist() == [1, 2, 3, 4, 5]
    assert [finding.rows for finding in found.findings] == [(3,)]


def findings_of(found):
    return [(f.rule, f.column, f.count, f.rows) for f in found.findings]


def test_what_does_not_fit_is_counted_with_its_first_rows_and_without_its_value(tmp_path):
    spec = spec_of([{"name": "n", "type": "Integer"}, {"name": "x", "type": "Number"}])
    lines = "1,2\nsecret,1\n1\n" + "7654321.5,\n" * 11 + "1,2,3\n5,6\n"
    found = staged(tmp_path, lines, spec)
    assert findings_of(found) == [
        ("fields", None, 2, (3, 15)),
        ("type", "n", 12, (2, *range(4, 13))),
        ("nulls", "x", 11, tuple(range(4, 14))),
    ]
    assert (found.read, found.rows) == (16, 14)
    assert table_of(found).column("#row").to_pylist() == [1, 2, *range(4, 15), 16]
    text = " ".join(finding.sentence(found.read) for finding in found.findings)
    assert "column n: Integer: a whole number of 64 bits is broken by 12 of 16 records (rows 2, 4, 5" in text
    assert "secret" not in text
    assert "7654321" not in text


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"n": 1.0}, ("type", "n")),
        ({"n": True}, ("type", "n")),
        ({"n": "1"}, ("type", "n")),
        ({"n": 2**63}, ("type", "n")),
        ({"n": None}, ("nulls", "n")),
        ({}, ("nulls", "n")),
        ({"n": 1, "x": "0.5"}, ("type", "x")),
        ({"n": 1, "x": 10**400}, ("type", "x")),
        ({"n": 1, "s": "\ud800"}, ("type", "s")),
        ({"n": 1, "s": 5}, ("type", "s")),
        ({"n": 1, "b": 1}, ("type", "b")),
        ({"n": 1, "t": ""}, ("type", "t")),
        ({"n": 1, "raw": "no base64"}, ("type", "raw")),
        ({"n": 1, "v": [1]}, ("fields", "v")),
        ({"n": 1, "v": 1}, ("fields", "v")),
        ({"n": 1, "v": [1, "1"]}, ("type", "v")),
    ],
)
def test_json_values_of_another_type_are_found_and_no_number_is_rounded(tmp_path, record, expected):
    columns = [{**column, "nulls": "Allowed"} for column in COLUMNS]
    columns[1] = {"name": "n", "type": "Integer"}
    columns.append({"name": "x", "type": "Number", "nulls": "Allowed"})
    lines = "\n".join(map(json.dumps, [{"n": 1}, record, {"n": 2}]))
    found = staged(tmp_path, lines, spec_of(columns, format="JSONL"))
    assert findings_of(found) == [(*expected, 1, (2,))]
    assert [r["n"] for r in records_of(found)][::2] == [1, 2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "line 2 is not a JSON object"),
        ("{", "line 2 is not JSON"),
        ('{"n": NaN}', "line 2 has a number that no JSON reader takes"),
        ('{"n": ' + "9" * 5000 + "}", "line 2 has a number"),
        ('{"n": 1, "n": 2}', "line 2 has an object that names a field twice"),
        ('{"n": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 2 is nested too deeply"),
    ],
    ids=["array", "broken", "nan", "long", "twice", "deep"],
)
def test_a_line_that_is_no_json_object_is_refused(tmp_path, line, message):
    spec = spec_of([{"name": "n", "type": "Integer"}], format="JSONL")
    with pytest.raises(InvalidInput, match=message):
        staged(tmp_path, '{"n": 1}\n' + line, spec)


@pytest.mark.parametrize(
    ("kind", "array", "values", "bad"),
    [
        ("Integer", pa.array([1, 2**63], pa.uint64()), [1, None], [2]),
        ("Number", pa.array([2**53, 2**53 + 1]), [2.0**53, None], [2]),
        ("Number", pa.array([1.5, float("nan")], pa.float32()), [1.5, None], [2]),
        ("Number", pa.array([float("-inf"), -0.0]), [None, 0.0], [1]),
        ("String", pa.array([b"\xff", b"a"]).view(pa.string()), [None, "a"], [1]),
        ("Binary", pa.array([b"ab", b"cd"], pa.binary(2)), [b"ab", b"cd"], []),
        ("Timestamp", pa.array([1, 1000], pa.timestamp("ns")), None, [1]),
        ("Timestamp", pa.array([0, 1], pa.date32()), None, []),
        (
            "Timestamp",
            pa.array([2**63 - 1, 0, -(2**63) + 1], pa.timestamp("us")),
            [None, EPOCH, None],
            [1, 3],
        ),
        ("Timestamp", pa.array([3_000_000, 0], pa.date32()), [None, EPOCH], [1]),
        ("Integer", pa.array([1, None], pa.int8()), [1, None], []),
    ],
)
def test_parquet_values_fit_exactly_or_are_found(tmp_path, kind, array, values, bad):
    pq.write_table(pa.table({"c": array}), tmp_path / "a.parquet", use_dictionary=False)
    content = (tmp_path / "a.parquet").read_bytes()
    found = staged(
        tmp_path, content, spec_of([{"name": "c", "type": kind, "nulls": "Allowed"}], format="Parquet")
    )
    assert [row for finding in found.findings for row in finding.rows] == bad
    if values is not None:
        assert [record["c"] for record in records_of(found)] == values


def test_moments_that_no_calendar_has_do_not_fit(tmp_path):
    spec = spec_of([{"name": "t", "type": "Timestamp", "nulls": "Allowed"}])
    lines = "0000-12-31\n0001-01-01\n9999-12-31T23:59:59.999999\n9999-12-31T23:59-01:00\n2023-02-29\n"
    assert findings_of(staged(tmp_path, lines, spec)) == [("type", "t", 3, (1, 4, 5))]


def test_a_number_is_the_nearest_one_to_what_is_written_in_every_format(tmp_path):
    written = ["0.3", "-0.7", "9007199254740993", "35.9", "0.0"]
    values = pa.array([Decimal(text) for text in written], pa.decimal128(38, 1))
    pq.write_table(pa.table({"c": values}), tmp_path / "a.parquet")
    column = [{"name": "c", "type": "Number"}]
    found = [
        staged(tmp_path / "c", "\n".join(written), spec_of(column)),
        staged(tmp_path / "j", "".join(f'{{"c": {x}}}\n' for x in written), spec_of(column, format="JSONL")),
        staged(tmp_path / "p", (tmp_path / "a.parquet").read_bytes(), spec_of(column, format="Parquet")),
    ]
    assert [[record["c"] for record in records_of(each)] for each in found] == [list(map(float, written))] * 3


def test_lists_of_another_length_are_found_and_missing_lists_are_missing_values(tmp_path):
    array = pa.array([[1, 2], None, [3], [4, None], [], [5, 6]], pa.list_(pa.int32()))
    content = parquet(tmp_path, pa.table({"v": array}).to_pylist(), pa.schema([("v", array.type)]))
    column = {"name": "v", "type": "Integer", "width": 2}
    found = staged(tmp_path, content, spec_of([column], format="Parquet"))
    assert findings_of(found) == [("fields", "v", 2, (3, 5)), ("nulls", "v", 2, (2, 4))]
    assert [r["v"] for r in records_of(found)] == [
        [1, 2],
        [None] * 2,
        [None] * 2,
        [4, None],
        [None] * 2,
        [5, 6],
    ]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (pa.schema([("m", pa.int64())]), "has no column n; it has m"),
        (pa.schema([("n", pa.string())]), "column n is string, which is not read as Integer"),
        (
            pa.schema([("n", pa.list_(pa.int64()))]),
            "column n is a list of int64, which is not read as Integer",
        ),
        (pa.schema([("n", pa.struct([("a", pa.int64())]))]), "column n is struct"),
        (pa.schema([("n", pa.float64())]), "column n is double"),
    ],
)
def test_parquet_columns_of_another_kind_are_refused(tmp_path, schema, message):
    content = parquet(tmp_path, [], schema)
    with pytest.raises(InvalidInput, match=message):
        staged(tmp_path, content, spec_of([{"name": "n", "type": "Integer"}], format="Parquet"))


@pytest.mark.parametrize(
    ("format_", "files", "message"),
    [
        ("CSV", {"a": ""}, "holds no record"),
        ("CSV", {"a": "\n\n"}, "holds no record"),
        ("CSV", {"a.gz": b"1\n"}, "a.gz cannot be unpacked: it is not a whole gzip file"),
        ("CSV", {"a.gz": gzip.compress(b"1\n" * 1000)[:-9]}, "not a whole gzip file"),
        ("CSV", {"a": b"1\n\xff\n"}, "a is not UTF-8 text: line 2"),
        ("CSV", {"a": '1\n"2'}, "a is not CSV"),
        ("JSONL", {"a": b"\xff"}, "a is not UTF-8 text: line 1"),
        ("Parquet", {"a": b"PAR1 no PAR1"}, "a cannot be read as Parquet"),
        ("Parquet", {"a": b""}, "a cannot be read as Parquet"),
        ("Parquet", {"a.parquet.gz": b"x"}, "Parquet is packed in itself"),
    ],
)
def test_bytes_that_are_not_of_their_format_are_refused(tmp_path, format_, files, message):
    with pytest.raises(InvalidInput, match=message):
        staged(tmp_path, files, spec_of([{"name": "n", "type": "Integer"}], format=format_))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,b,m", "does not name column n at position 3"),
        ("a,n", "the header has 2 names; spec.columns have 3 fields"),
        ("1,2,3", "has a number at position 1; is spec.header: Absent meant"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(tmp_path, header, message):
    spec = spec_of(COLUMNS[:2], header="Present")
    with pytest.raises(InvalidInput, match=message):
        staged(tmp_path, f"{header}\n1,2,3\n", spec)
    assert records_of(staged(tmp_path, "x,y,n\n1,2,3\n", spec)) == [{"v": [1.0, 2.0], "n": 3}]


def test_a_column_may_have_a_name_that_python_reads_as_a_number(tmp_path):
    spec = spec_of([{"name": "inf", "type": "Integer"}, {"name": "nan", "type": "Integer"}], header="Present")
    assert records_of(staged(tmp_path, "inf,nan\n1,2\n", spec)) == [{"inf": 1, "nan": 2}]


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_RECORD", 1000)
    spec = spec_of([{"name": "n", "type": "String"}])
    for content in ("1" * 5000, '"' + "a\n" * 5000):
        with pytest.raises(InvalidInput, match="a record of more than 1000 bytes"):
            staged(tmp_path, content, spec)


def test_a_source_may_not_unpack_to_more_than_it_may_be(tmp_path):
    packed = gzip.compress(b"1\n" * 1_000_000)
    with pytest.raises(InvalidInput, match=r"unpacks to more than.*set spec.source.maxSize"):
        staged(tmp_path, {"a.gz": packed}, spec_of([{"name": "n", "type": "Integer"}]), limit=1000_000)


def test_a_long_value_that_stands_in_many_rows_of_parquet_is_refused_before_it_fills_the_memory(tmp_path):
    array = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), ["x" * 1_000_000])
    pq.write_table(pa.table({"s": array}), tmp_path / "a.parquet")
    raw = raw_files(tmp_path / "raw", {"a": (tmp_path / "a.parquet").read_bytes()})
    spec = spec_of([{"name": "s", "type": "String"}], format="Parquet")
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="unpacks to more than"):
        stage(raw, spec, 1 << 30, tmp_path / "staged")
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()
    assert pa.default_memory_pool().max_memory() - before < 400 << 20


def test_an_image_is_labelled_by_its_folder(tmp_path):
    files = {"cat/1.png": b"1", "cat/2.JPG": b"2", "dog/1.png": b"3"}
    found = records_of(staged(tmp_path, files, spec_of(format="ImageFolder")))
    assert found == [
        {"path": "cat/1.png", "label": "cat", "image": b"1"},
        {"path": "cat/2.JPG", "label": "cat", "image": b"2"},
        {"path": "dog/1.png", "label": "dog", "image": b"3"},
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1.png", "1.png: an image lies as LABEL/FILE"),
        ("a/b/1.png", "a/b/1.png: an image lies as LABEL/FILE"),
        ("a/notes.txt", "a/notes.txt is no image by its name; allowed: .png"),
    ],
)
def test_a_file_that_is_no_labelled_image_is_refused(tmp_path, name, message):
    with pytest.raises(InvalidInput, match=message):
        staged(tmp_path, {"a/1.png": b"1", name: b"2"}, spec_of(format="ImageFolder"))


def test_files_are_records_with_their_paths(tmp_path):
    files = {"a/b/c.bin": b"\x00", ".x": b""}
    assert records_of(staged(tmp_path, files, spec_of(format="Files"))) == [
        {"path": ".x", "content": b""},
        {"path": "a/b/c.bin", "content": b"\x00"},
    ]
