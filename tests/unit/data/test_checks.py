"""The checks of a dataset, looked at over staged files as reading makes them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplane.api.datacheck import Check, CheckResult
from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.data.checks import plan_checks, run_checks
from mlplane.data.profiles import Profile
from mlplane.data.profiling import profile_of
from mlplane.data.staging import ROW, Finding, Staged

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DIGEST = f"sha256:{'0' * 64}"


def column(name: str = "x", type_: str = "Number", **more: object) -> DataColumn:
    return DataColumn.model_validate({"name": name, "type": type_, **more})


def staged(
    folder: Path, columns: list[DataColumn], *batches: dict[str, list], rows: list[int] | None = None
) -> Staged:
    """A staged file with one row group for each batch."""
    schema = pa.schema([*schema_of(columns), (ROW, pa.int64())])
    path = folder / f"staged-{len(list(folder.iterdir()))}.parquet"
    number = 0
    with pq.ParquetWriter(path, schema) as writer:
        for batch in batches:
            size = len(next(iter(batch.values())))
            numbers = (rows or range(1, 10**6))[number : number + size]
            number += size
            writer.write_table(pa.table({**batch, ROW: list(numbers)}, schema=schema))
    return Staged(path, tuple(columns), number, number, ())


def no_profile(reference: object) -> Profile:
    raise AssertionError(reference)


def look(records: Staged, *checks: dict, now: datetime = NOW, profile=no_profile) -> list[CheckResult]:
    plan = plan_checks(records.columns, [Check.model_validate(check) for check in checks], profile)
    return list(run_checks(plan, records, now, records.path.parent))


def one(records: Staged, check: dict, **more) -> CheckResult:
    (result,) = look(records, {"name": "it", **check}, **more)
    return result


NUMBERS = [0.0, 0.1, None, -1.0, 7.0]
WORDS = ["a", "b", None, "ab", ""]
CASES = [
    # type, values, check, rows that break it
    ("Number", NUMBERS, {"range": {"min": "0"}}, [4]),
    ("Number", NUMBERS, {"range": {"max": "0.1"}}, [5]),
    ("Number", NUMBERS, {"range": {"min": "0.1", "max": "0.1"}}, [1, 4, 5]),
    ("Number", [1e300, -1e300], {"range": {"min": "-1"}}, [2]),
    ("Number", [None, None], {"range": {"min": "5"}}, []),
    ("Number", [], {"range": {"min": "5"}}, []),
    ("Integer", [1, 2, 3], {"range": {"min": "1.5", "max": "2.5"}}, [1, 3]),
    ("Integer", [2**63 - 1, 2**63 - 2], {"range": {"max": str(2**63 - 2)}}, [1]),
    ("Integer", [-(2**63), 0], {"range": {"min": "-1" + "0" * 30}}, []),
    ("Integer", [-(2**63), 0], {"range": {"min": "1" + "0" * 30}}, [1, 2]),
    ("String", WORDS, {"enum": {"values": ["a", "b"]}}, [4, 5]),
    ("String", ["'", '"; DROP VIEW records'], {"enum": {"values": ["'"]}}, [2]),
    ("Integer", [1, 2, None], {"enum": {"values": ["1", "3"]}}, [2]),
    ("Boolean", [True, False, None], {"enum": {"values": ["true"]}}, [2]),
    ("String", WORDS, {"regex": {"pattern": "a|b"}}, [4, 5]),
    ("String", ["ü", "a\nb", "xay"], {"regex": {"pattern": "."}}, [2, 3]),
    ("String", ["A", "b"], {"regex": {"pattern": "(?i)a"}}, [2]),
    ("String", [None, None], {"regex": {"pattern": "a"}}, []),
    ("String", [], {"regex": {"pattern": "a"}}, []),
    ("Number", NUMBERS, {"nulls": {"maxShare": "0"}}, [3]),
    ("Number", NUMBERS, {"nulls": {"maxShare": "0.2"}}, []),
    ("Number", NUMBERS, {"nulls": {"maxShare": "0.19999999"}}, [3]),
    ("Number", [None, None], {"nulls": {"maxShare": "0.5"}}, [1, 2]),
    ("Number", [None, 1.0, 2.0], {"nulls": {"maxShare": "0.000000000000000000000000000001"}}, [1]),
    ("Number", [], {"nulls": {"maxShare": "0"}}, []),
    ("Binary", [b"", None], {"nulls": {"maxShare": "0"}}, [2]),
]


@pytest.mark.parametrize(("type_", "values", "check", "broken"), CASES)
def test_a_rule_of_single_records_names_the_rows_that_break_it(tmp_path, type_, values, check, broken):
    records = staged(tmp_path, [column("x", type_)], {"x": values})
    result = one(records, {"column": "x", **check})
    assert (result.verdict, result.count, list(result.rows)) == (
        "Failed" if broken else "Passed",
        len(broken),
        broken,
    )
    assert result.column == "x"


VECTOR_CASES = [
    ("Number", [[0, 1], [2, None], [-1, 9]], {"range": {"min": "0", "max": "1.5"}}, [2, 3]),
    ("Integer", [[0, 1], [2, None], [-1, 9]], {"nulls": {"maxShare": "0"}}, [2]),
    ("String", [["a", "b"], ["a", "c"]], {"enum": {"values": ["a", "b"]}}, [2]),
    ("String", [["a", "bb"], ["a", None]], {"regex": {"pattern": "."}}, [1]),
]


@pytest.mark.parametrize(("type_", "values", "check", "broken"), VECTOR_CASES)
def test_each_value_of_a_vector_must_obey(tmp_path, type_, values, check, broken):
    records = staged(tmp_path, [column("x", type_, width=2)], {"x": values})
    result = one(records, {"column": "x", **check})
    assert (result.count, list(result.rows)) == (len(broken), broken)


def test_the_columns_own_bounds_are_looked_at_without_a_check(tmp_path):
    columns = [
        column("pixels", "Integer", width=2, minimum="0", maximum="16"),
        column("y", "Number", maximum="1"),
    ]
    records = staged(tmp_path, columns, {"pixels": [[0, 17], [-1, 17], [3, 16]], "y": [1.0, 0.0, 0.5]})
    assert [(r.name, r.column, r.rule, r.count, r.rows) for r in look(records)] == [
        ("minimum", "pixels", "at least 0", 1, (2,)),
        ("maximum", "pixels", "at most 16", 2, (1, 2)),
    ]


def test_the_first_ten_rows_are_named_by_their_own_numbers_across_batches(tmp_path):
    numbers = list(range(5, 65, 2))  # a sample has gaps
    batches = [{"x": [-1.0] * 10}, {"x": [1.0] * 10}, {"x": [-1.0] * 10}]
    result = one(staged(tmp_path, [column()], *batches, rows=numbers), {"column": "x", "range": {"min": "0"}})
    assert result.count == 20
    assert list(result.rows) == numbers[:10]


UNIQUE_CASES = [
    ({"x": [1, 2, 1, 1, None, None]}, ["x"], [3, 4, 6]),
    ({"x": [1, 2, 3]}, ["x"], []),
    ({"x": []}, ["x"], []),
    ({"x": [1, 1, 1], "y": ["a", "b", "a"]}, ["x", "y"], [3]),
    ({"x": [1, None, 1], "y": [None, "a", None]}, ["x", "y"], [3]),
]


@pytest.mark.parametrize(("values", "key", "repeats"), UNIQUE_CASES)
def test_unique_counts_the_records_that_are_like_an_earlier_one(tmp_path, values, key, repeats):
    columns = [column("x", "Integer"), column("y", "String")][: len(values)]
    result = one(staged(tmp_path, columns, values), {"unique": {"columns": key}})
    assert (result.count, list(result.rows)) == (len(repeats), repeats)
    assert result.column == ("x" if len(key) == 1 else None)


def test_names_that_differ_in_small_and_capital_letters_are_two_columns(tmp_path):
    columns = [column(name, "Integer") for name in ("aB", "ab", "Ab")]
    records = staged(tmp_path, columns, {"aB": [1, 2, 3], "ab": [1, 900, 1], "Ab": [5, 5, 6]})
    checks = [
        {"name": "range", "column": "ab", "range": {"max": "9"}},
        {"name": "other", "column": "aB", "range": {"max": "9"}},
        {"name": "unique", "unique": {"columns": ["Ab"]}},
        {"name": "record", "record": {"jsonSchema": '{"properties": {"ab": {"maximum": 9}}}'}},
    ]
    found = {result.name: (result.verdict, result.rows) for result in look(records, *checks)}
    assert found == {
        "range": ("Failed", (2,)),
        "other": ("Passed", ()),
        "unique": ("Failed", (2,)),
        "record": ("Failed", (2,)),
    }
    profile = profile_of(records, tmp_path)
    assert [(each.name, each.numbers.max) for each in profile.columns] == [("aB", 3), ("ab", 900), ("Ab", 6)]


@pytest.mark.parametrize("name", ["first", "number", "row", "b0", "x", "v", "t", "r", "records", "twice"])
def test_a_column_may_have_any_name(tmp_path, name):
    columns = [column(name, "Integer"), column("y", "Integer")]
    records = staged(tmp_path, columns, {name: [7, 7, 3], "y": [1, 2, 3]})
    unique, *others = look(
        records,
        {"name": "unique", "unique": {"columns": [name]}},
        {"name": "range", "column": name, "range": {"min": "5"}},
        {"name": "record", "record": {"jsonSchema": f'{{"properties": {{"{name}": {{"minimum": 5}}}}}}'}},
    )
    assert (unique.count, unique.rows) == (1, (2,))
    assert [(each.count, each.rows) for each in others] == [(1, (3,))] * 2


def test_unique_compares_values_that_bytes_tell_apart(tmp_path):
    columns = [column("x", "Number"), column("v", "Binary"), column("w", "Number", width=2)]
    values = {"x": [0.0, -0.0, 1.0], "v": [b"\x00", b"\x00", b"\x00\x00"], "w": [[1, 2], [1, 2], [1, 2]]}
    assert one(staged(tmp_path, columns, values), {"unique": {"columns": ["x", "v", "w"]}}).rows == (2,)


ROWS_CASES = [
    ({"min": 3}, "Passed"),
    ({"min": 4}, "Failed"),
    ({"max": 3}, "Passed"),
    ({"max": 2}, "Failed"),
    ({"min": 3, "max": 3}, "Passed"),
    ({"max": 0}, "Failed"),
]


@pytest.mark.parametrize(("bounds", "verdict"), ROWS_CASES)
def test_rows_compares_the_number_of_records(tmp_path, bounds, verdict):
    result = one(staged(tmp_path, [column()], {"x": [1, 2, 3]}), {"rows": bounds})
    assert (result.verdict, result.measured, result.rows) == (verdict, "3", ())


AGES = [
    (timedelta(hours=36), "36h", "Passed", "36h"),
    (timedelta(hours=36, microseconds=1), "36h", "Failed", "36.1h"),
    (timedelta(minutes=2), "1m", "Failed", "2m"),
    (timedelta(days=2, hours=1), "3d", "Passed", "2d"),
    (-timedelta(days=1), "1d", "Passed", "-1d"),
]


@pytest.mark.parametrize(("old", "max_age", "verdict", "measured"), AGES)
def test_freshness_measures_the_age_of_the_newest_value(tmp_path, old, max_age, verdict, measured):
    records = staged(tmp_path, [column("t", "Timestamp")], {"t": [None, NOW - old, NOW - old - timedelta(9)]})
    result = one(records, {"column": "t", "freshness": {"maxAge": max_age}})
    assert (result.verdict, result.measured) == (verdict, measured)


@pytest.mark.parametrize("values", [[], [None]])
def test_nothing_is_not_fresh(tmp_path, values):
    records = staged(tmp_path, [column("t", "Timestamp")], {"t": values})
    assert one(records, {"column": "t", "freshness": {"maxAge": "1h"}}).verdict == "Failed"


RECORD_COLUMNS = [
    column("n", "Integer"),
    column("s", "String"),
    column("t", "Timestamp"),
    column("b", "Binary"),
    column("v", "Number", width=2),
]
RECORDS = {
    "n": [1, -1, None],
    "s": ["a", "b", "c"],
    "t": [NOW, NOW, None],
    "b": [b"\xff", b"", b"a"],
    "v": [[1, 2], [1, 2], [1, 5]],
}
SCHEMAS = [
    ({"required": ["n"]}, [3]),
    ({"properties": {"n": {"minimum": 0}}}, [2]),
    ("properties: {n: {minimum: 0}}\nrequired: [t]\n", [2, 3]),
    ({"properties": {"t": {"const": "2026-06-01T12:00:00.000000Z"}}}, []),
    ({"properties": {"b": {"const": "/w=="}}}, [2, 3]),
    ({"properties": {"v": {"items": {"maximum": 2}}}}, [3]),
    ({"if": {"properties": {"s": {"const": "c"}}}, "then": {"required": ["t"]}}, [3]),
    ({"$ref": "#/$defs/r", "$defs": {"r": {"properties": {"s": {"pattern": "^[ab]$"}}}}}, [3]),
    ({"additionalProperties": False}, [1, 2, 3]),
    ({}, []),
]


@pytest.mark.parametrize(("schema", "broken"), SCHEMAS)
def test_a_record_is_a_json_object_without_what_is_missing(tmp_path, schema, broken):
    text = schema if isinstance(schema, str) else json.dumps(schema)
    result = one(staged(tmp_path, RECORD_COLUMNS, RECORDS), {"record": {"jsonSchema": text}})
    assert (result.count, list(result.rows)) == (len(broken), broken)


def test_what_fails_comes_first_then_what_warns(tmp_path):
    records = staged(tmp_path, [column()], {"x": [1.0, -1.0]})
    results = look(
        records,
        {"name": "good", "rows": {"min": 1}},
        {"name": "odd", "column": "x", "range": {"min": "0"}, "severity": "Warning"},
        {"name": "bad", "column": "x", "range": {"max": "0"}},
    )
    assert [(r.name, r.verdict) for r in results] == [
        ("bad", "Failed"),
        ("odd", "Warned"),
        ("good", "Passed"),
    ]


def test_what_reading_found_is_reported_with_the_checks(tmp_path):
    records = staged(tmp_path, [column("x", "Integer")], {"x": [1, None]})
    finding = Finding("type", "x", "Integer: a whole number", 1, (2,))
    with_finding = Staged(records.path, records.columns, 2, 2, (finding,))
    results = look(with_finding, {"name": "some", "rows": {"min": 1}})
    assert [(r.name, r.column, r.rule, r.verdict, r.count, r.rows) for r in results] == [
        ("type", "x", "Integer: a whole number", "Failed", 1, (2,)),
        ("some", None, "number of records at least 1", "Passed", 0, ()),
    ]


def test_results_of_many_wide_checks_fit_into_an_answer(tmp_path):
    columns = [column(f"a_column_with_quite_a_long_name_number_{i:03}", minimum="0") for i in range(256)]
    records = staged(tmp_path, columns, {each.name: [-1.0] * 12 for each in columns})
    results = look(records, {"name": "all", "column": columns[0].name, "range": {"max": "9"}})
    assert len(results) <= 64
    assert sum(len(result.model_dump_json()) for result in results) < 24 << 10
    assert {result.verdict for result in results} == {"Failed"}


def test_a_long_pattern_is_cut_in_the_rule(tmp_path):
    records = staged(tmp_path, [column("x", "String")], {"x": ["b"]})
    result = one(records, {"column": "x", "regex": {"pattern": "a" * 500}})
    assert len(result.rule) == 256


def test_nulls_turned_into_zeros_are_found_and_placed(tmp_path):
    ages = [None if i % 20 == 0 else 18.0 + i % 60 for i in range(2000)]
    zeros = [value or 0.0 for value in ages]
    columns = [column("age", nulls="Allowed")]
    earlier = profile_of(staged(tmp_path, columns, {"age": ages}), tmp_path)
    checks = (
        {"name": "adult", "column": "age", "range": {"min": "18"}},
        {
            "name": "as-before",
            "column": "age",
            "distribution": {"dataset": "people", "digest": DIGEST, "statistic": "PSI", "max": "0.2"},
        },
    )
    good = look(staged(tmp_path, columns, {"age": ages}), *checks, profile=lambda _: earlier)
    assert [result.verdict for result in good] == ["Passed", "Passed"]
    adult, as_before = look(staged(tmp_path, columns, {"age": zeros}), *checks, profile=lambda _: earlier)
    first = tuple(range(1, 201, 20))
    assert (adult.verdict, adult.column, adult.count, adult.rows) == ("Failed", "age", 100, first)
    assert (as_before.verdict, as_before.column) == ("Failed", "age")
    assert float(as_before.measured or 0) > 0.2
    assert set(first[:3]) <= set(as_before.rows)
    assert as_before.count < 500


def test_results_hold_no_values_of_the_data(tmp_path):
    columns = [column("s", "String"), column("n", "Number")]
    secret = staged(tmp_path, columns, {"s": ["hunter2", "hunter2"], "n": [4711.5, 4711.5]})
    earlier = profile_of(staged(tmp_path, columns, {"s": ["a"], "n": [1.0]}), tmp_path)
    results = look(
        secret,
        {"name": "a", "column": "s", "enum": {"values": ["x"]}},
        {"name": "b", "column": "s", "regex": {"pattern": "x"}},
        {"name": "c", "column": "n", "range": {"max": "1"}},
        {"name": "d", "unique": {"columns": ["s", "n"]}},
        {"name": "e", "record": {"jsonSchema": '{"properties": {"s": {"maxLength": 1}}}'}},
        *(
            {"name": name, "column": name, "distribution": earlier_version}
            for name in ("s", "n")
            for earlier_version in [{"dataset": "d", "digest": DIGEST, "statistic": "PSI", "max": "0"}]
        ),
        profile=lambda _: earlier,
    )
    assert [result.verdict for result in results] == ["Failed"] * 7
    text = " ".join(result.model_dump_json() for result in results)
    assert "hunter2" not in text
    assert "4711" not in text
