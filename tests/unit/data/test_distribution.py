"""PSI and KS: by hand, and between versions of a column."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplane.api.datacheck import DistributionCheck
from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.data.distribution import distance, ks, psi, shares
from mlplane.data.outcomes import Outcome
from mlplane.data.profiling import profile_of
from mlplane.data.query import records_in
from mlplane.data.staging import ROW, Staged

MORE = math.log(3)


@pytest.mark.parametrize(
    ("then", "now", "want"),
    [
        ((10, 10), (50, 50), 0.0),
        ((75, 25), (25, 75), MORE),
        ((0, 0), (0, 0), 0.0),
        ((1, 0), (0, 1), 2 * (1 - 1e-4) * math.log(1e4)),
        ((1, 1), (0, 0), 2 * (0.5 - 1e-4) * math.log(0.5 / 1e-4)),
    ],
)
def test_psi_by_hand(then, now, want):
    assert psi(then, now) == pytest.approx(want)


@pytest.mark.parametrize(
    ("then", "now", "want"),
    [((1, 1), (5, 5), 0), ((1, 0, 0), (0, 0, 1), 1), ((1, 1, 0), (0, 1, 1), 0.5), ((0,), (0,), 0)],
)
def test_ks_by_hand(then, now, want):
    assert ks(then, now) == pytest.approx(want)


def test_shares_of_nothing_are_nothing():
    assert shares((0, 0)) == [0.0, 0.0]


def staged(folder, name: str, type_: str, values: list, width: int | None = None) -> Staged:
    columns = (DataColumn(name="x", type=type_, width=width, nulls="Allowed"),)
    schema = pa.schema([*schema_of(columns), (ROW, pa.int64())])
    path = folder / f"{name}.parquet"
    pq.write_table(pa.table({"x": values, ROW: range(1, len(values) + 1)}, schema=schema), path)
    return Staged(path, columns, len(values), len(values), ())


def compare(folder, type_, then, now, statistic="PSI", limit="0.1", width=None) -> Outcome:
    (before,) = profile_of(staged(folder, "then", type_, then, width), folder).columns
    records = staged(folder, "now", type_, now, width)
    check = DistributionCheck(dataset="d", digest=f"sha256:{'0' * 64}", statistic=statistic, max=limit)
    with records_in(records.path, folder) as db:
        return distance(db, records.columns[0], check, before)


CASES = [
    # type, then, now, the rows that are pointed at; none where it passes
    ("Integer", list(range(100)), list(range(99, -1, -1)), None),
    ("Number", [i / 7 for i in range(100)], [i / 7 + 0.01 for i in range(100)], None),
    ("Integer", list(range(100)), [1000] * 3, (1, 2, 3)),
    ("Integer", [5] * 10, [5] * 8 + [6, 7], (9, 10)),
    ("Integer", [5] * 10, [5] * 8 + [None, 7], (9,)),
    ("String", ["a", "b"] * 50, ["b", "a"] * 10, None),
    ("String", ["a", "b"] * 50, ["a", "b", "new", "new"], (3, 4)),
    ("String", ["a", "b"] * 50, ["a", "a", "a", "b"], (1, 2, 3)),
    ("String", ["a", None] * 50, [None, None, "a"], (1, 2)),
    ("Boolean", [True, False] * 50, [True] * 3, (1, 2, 3)),
    ("Number", [None] * 5, [None, None], None),
    ("Number", [None] * 5, [None, 1.0], (2,)),
    ("Number", [], [], ()),
    ("Number", [1.0], [], ()),
    ("String", [], ["a"], (1,)),
]


@pytest.mark.parametrize(("type_", "then", "now", "rows"), CASES)
def test_the_bin_that_has_grown_most_is_pointed_at(tmp_path, type_, then, now, rows):
    found = compare(tmp_path, type_, then, now)
    assert found.failed == (rows is not None)
    assert found.rows == (rows or ())
    assert found.count == len(rows or ())


@pytest.mark.parametrize("statistic", ["PSI", "KS"])
def test_another_distribution_is_told_from_another_sample(tmp_path, statistic):
    random = np.random.default_rng(11)
    then = list(random.normal(0, 1, 4000))
    assert not compare(tmp_path, "Number", then, list(random.normal(0, 1, 4000)), statistic).failed
    moved = compare(tmp_path, "Number", then, list(random.normal(0.5, 1, 4000)), statistic)
    assert moved.failed
    assert float(moved.measured or 0) > 0.1


def test_a_distance_above_the_limit_never_looks_as_if_it_were_not(tmp_path):
    found = compare(tmp_path, "Integer", [1, 2] * 500, [1] * 501 + [2] * 499, limit="0.000001")
    assert found.failed
    assert float(found.measured or 0) > 0.000001


def test_vectors_are_compared_value_by_value(tmp_path):
    then = [[i, i + 1] for i in range(100)]
    assert not compare(tmp_path, "Integer", then, then, width=2).failed
    found = compare(tmp_path, "Integer", then, [[1, 2], [900, 901], [3, 900]], width=2)
    assert (found.failed, found.count, found.rows) == (True, 2, (2, 3))
