"""Checks against an implementation in plain Python that takes one record after the other."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlplane.api.datacheck import Check
from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.data.checks import plan_checks, run_checks
from mlplane.data.staging import ROW, Staged

COLUMNS = (
    DataColumn(name="i", type="Integer", nulls="Allowed"),
    DataColumn(name="n", type="Number", nulls="Allowed"),
    DataColumn(name="s", type="String", nulls="Allowed"),
    DataColumn(name="v", type="Number", width=2, nulls="Allowed"),
)
SCHEMA = pa.schema([*schema_of(COLUMNS), (ROW, pa.int64())])
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
RECORD = st.tuples(
    st.none() | st.integers(-3, 3) | INT64,
    st.none() | st.sampled_from([0.0, -0.0, 0.1, 0.5]) | NUMBERS,
    st.none() | st.text("ab\n'\"é\0", max_size=3),
    st.lists(st.none() | NUMBERS, min_size=2, max_size=2),
)
DECIMALS = st.sampled_from(["-1", "0", "0.1", "0.5", "2.5", str(2**63), "-0.0"])
BOUNDS = st.tuples(DECIMALS, DECIMALS).map(lambda pair: tuple(sorted(pair, key=float)))
PATTERNS = st.sampled_from(["a", "[ab]*", "a|b", ".", "(?i)A.*", "", "[^\\n]+"])


def broken(records: Iterable[tuple], breaks: Callable[[tuple], bool]) -> list[int]:
    return [row for row, record in enumerate(records, 1) if breaks(record)]


def repeated(keys: list[tuple]) -> list[int]:
    seen, rows = set(), []
    for row, key in enumerate(keys, 1):
        if key in seen:
            rows.append(row)
        seen.add(key)
    return rows


def outside(value: float | None, low: str, high: str) -> bool:
    """Whole numbers are compared exactly, others as floats."""
    if value is None:
        return False
    return not float(low) <= value <= float(high)


def found_by_duckdb(folder: Path, records: list[tuple], size: int, checks: list[dict]) -> dict:
    path = folder / "staged.parquet"
    columns = list(zip(*records, strict=True)) or [[]] * len(COLUMNS)
    arrays = {c.name: list(values) for c, values in zip(COLUMNS, columns, strict=True)}
    table = pa.table({**arrays, ROW: list(range(1, len(records) + 1))}, schema=SCHEMA)
    pq.write_table(table, path, row_group_size=size)
    staged = Staged(path, COLUMNS, len(records), len(records), ())
    plan = plan_checks(COLUMNS, [Check.model_validate(check) for check in checks], lambda _: None)
    results = run_checks(plan, staged, datetime(2026, 1, 1, tzinfo=UTC), folder)
    return {result.name: (result.verdict, result.count, list(result.rows)) for result in results}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    records=st.lists(RECORD, max_size=30),
    size=st.integers(1, 8),
    bounds=BOUNDS,
    pattern=PATTERNS.filter(bool),
    values=st.lists(st.text("ab'", max_size=2), min_size=1, max_size=3, unique=True),
    share=st.sampled_from(["0", "0.25", "0.5", "1"]),
)
def test_both_find_the_same_records(records, size, bounds, pattern, values, share):
    low, high = bounds
    rule = re.compile(pattern)
    missing = broken(records, lambda record: record[1] is None)
    want = {
        "whole": broken(records, lambda record: outside(record[0], low, high)),
        "number": broken(records, lambda record: outside(record[1], low, high)),
        "vector": broken(records, lambda record: any(outside(value, low, high) for value in record[3])),
        "enum": broken(records, lambda record: record[2] is not None and record[2] not in values),
        "regex": broken(records, lambda record: record[2] is not None and not rule.fullmatch(record[2])),
        "one": repeated([record[2:3] for record in records]),
        "two": repeated([record[:2] for record in records]),
        "record": broken(records, lambda record: record[0] is None or (record[1] or 0) > 0.1),
        "nulls": missing if len(missing) > float(share) * len(records) else [],
    }
    schema = '{"required": ["i"], "properties": {"n": {"maximum": 0.1}}}'
    limits = {"min": low, "max": high}
    checks = [
        {"name": "whole", "column": "i", "range": limits},
        {"name": "number", "column": "n", "range": limits},
        {"name": "vector", "column": "v", "range": limits},
        {"name": "enum", "column": "s", "enum": {"values": values}},
        {"name": "regex", "column": "s", "regex": {"pattern": pattern}},
        {"name": "one", "unique": {"columns": ["s"]}},
        {"name": "two", "unique": {"columns": ["i", "n"]}},
        {"name": "record", "record": {"jsonSchema": schema}},
        {"name": "nulls", "column": "n", "nulls": {"maxShare": share}},
    ]
    with TemporaryDirectory() as folder:
        found = found_by_duckdb(Path(folder), records, size, checks)
    assert found == {
        name: ("Failed" if rows else "Passed", len(rows), rows[:10]) for name, rows in want.items()
    }
