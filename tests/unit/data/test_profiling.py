"""Profiles of staged files, compared with what numpy says of the same values."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import PinnedRef
from mlplane.data import profiling
from mlplane.data.arrowtypes import schema_of
from mlplane.data.profiles import ColumnProfile, Profile, read_profile
from mlplane.data.profiling import bars_between, profile_of
from mlplane.data.staging import ROW, Staged
from mlplane.errors import Terminal
from mlplane.store.artifacts import Store


def staged(folder: Path, values: list, type_: str = "Number", width: int | None = None) -> Staged:
    columns = (DataColumn(name="x", type=type_, width=width, nulls="Allowed"),)
    schema = pa.schema([*schema_of(columns), (ROW, pa.int64())])
    path = folder / "staged.parquet"
    pq.write_table(pa.table({"x": values, ROW: range(1, len(values) + 1)}, schema=schema), path)
    return Staged(path, columns, len(values), len(values), ())


def profiled(folder: Path, *args, **more) -> ColumnProfile:
    (column,) = profile_of(staged(folder, *args, **more), folder).columns
    return column


def test_numbers_are_summed_up(tmp_path):
    values = np.random.default_rng(7).normal(5, 2, 3000)
    found = profiled(tmp_path, [*values, None, None])
    assert (found.looked_at, found.nulls) == (3002, 2)
    assert found.distinct == pytest.approx(3000, rel=0.1)
    numbers = found.numbers
    assert numbers is not None
    assert (numbers.min, numbers.max) == (values.min(), values.max())
    assert (numbers.mean, numbers.std) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert numbers.deciles == pytest.approx(np.quantile(values, np.arange(1, 10) / 10), abs=0.05)
    inner = np.searchsorted(np.array(numbers.bins.edges), values, side="left")
    assert numbers.bins.counts == tuple(np.bincount(inner, minlength=10))
    assert sum(numbers.histogram.counts) == 3000
    assert len(numbers.histogram.counts) == 20


@pytest.mark.parametrize(
    ("type_", "values", "nulls"),
    [
        ("Number", [], 0),
        ("Number", [None, None], 2),
        ("String", [None], 1),
        ("Binary", [], 0),
        ("Boolean", [None], 1),
        ("Timestamp", [None], 1),
    ],
)
def test_a_column_without_values_has_only_counts(tmp_path, type_, values, nulls):
    found = profiled(tmp_path, values, type_)
    assert (found.looked_at, found.nulls, found.distinct) == (len(values), nulls, 0)
    assert (found.numbers, found.lengths, found.top) == (None, None, ())


def test_one_value_over_and_over_is_one_bin(tmp_path):
    numbers = profiled(tmp_path, [3, 3, 3], "Integer").numbers
    assert numbers is not None
    assert (numbers.min, numbers.max, numbers.mean, numbers.std) == (3, 3, 3.0, 0.0)
    assert numbers.bins.edges == (3,)
    assert numbers.bins.counts == (3, 0)
    assert numbers.histogram.counts == (3,)


def test_a_single_value_has_no_deviation(tmp_path):
    numbers = profiled(tmp_path, [1.5]).numbers
    assert numbers is not None
    assert numbers.std is None


def test_the_largest_numbers_have_a_mean_and_a_deviation(tmp_path):
    numbers = profiled(tmp_path, [1e308, 0.0, -1e308]).numbers
    assert numbers is not None
    assert (numbers.mean, numbers.std) == pytest.approx((0, 1e308))
    assert sum(numbers.histogram.counts) == sum(numbers.bins.counts) == 3


def test_a_deviation_that_no_float_can_hold_is_left_out(tmp_path):
    numbers = profiled(tmp_path, [1.7e308, -1.7e308, 1.6e308]).numbers
    assert numbers is not None
    assert numbers.mean == pytest.approx(1.6e308 / 3)
    assert numbers.std is None
    assert np.isfinite(numbers.deciles).all()


def test_whole_numbers_at_both_ends_are_kept_exactly(tmp_path):
    low, high = -(2**63), 2**63 - 1
    numbers = profiled(tmp_path, [low, high, high], "Integer").numbers
    assert numbers is not None
    assert (numbers.min, numbers.max) == (low, high)
    assert (numbers.histogram.counts[0], numbers.histogram.counts[-1]) == (1, 2)


def test_texts_are_counted_by_frequency_and_length(tmp_path):
    found = profiled(tmp_path, ["b", "a", "a", "ccc", None, "a", "b", "x" * 300], "String")
    assert [(top.value, top.count) for top in found.top] == [("a", 3), ("b", 2), ("ccc", 1)]
    assert found.lengths is not None
    assert (found.lengths.min, found.lengths.max) == (1, 300)
    assert found.distinct == 4


def test_the_most_frequent_of_many_texts_are_found(tmp_path):
    values = [f"often-{i % 5}" for i in range(500)] + [f"once-{i}" for i in range(5000)]
    found = profiled(tmp_path, values, "String")
    assert {top.value for top in found.top if top.count == 100} == {f"often-{i}" for i in range(5)}
    assert len(found.top) == 20


def test_other_types_have_what_fits_them(tmp_path):
    assert [(t.value, t.count) for t in profiled(tmp_path, [True, False, True, None], "Boolean").top] == [
        ("true", 2),
        ("false", 1),
    ]
    binary = profiled(tmp_path, [b"", b"abc", None], "Binary").lengths
    assert binary is not None
    assert (binary.min, binary.max, binary.mean) == (0, 3, 1.5)
    times = profiled(tmp_path, [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 3)], "Timestamp").numbers
    assert times is not None
    assert times.min == 1767225600 * 10**6
    assert times.max - times.min == 2 * 86400 * 10**6


def test_a_vector_is_summed_up_over_all_its_values(tmp_path):
    found = profiled(tmp_path, [[0, 1, 2], [3, None, 5]], "Integer", 3)
    assert (found.looked_at, found.nulls) == (6, 1)
    assert found.numbers is not None
    assert (found.numbers.min, found.numbers.max, found.numbers.mean) == (0, 5, 2.2)


def test_of_many_wide_vectors_a_part_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(profiling, "VECTOR_VALUES", 100)
    found = profiled(tmp_path, [[i, i] for i in range(500)], "Integer", 2)
    assert found.looked_at == 100
    assert found.numbers is not None
    assert found.numbers.max > 480


def test_the_same_records_have_the_same_profile(tmp_path):
    values = list(np.random.default_rng(3).normal(size=5000))
    first, second = (profile_of(staged(tmp_path, values), tmp_path) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 9), (-5, 1000), (0.0, 1.0), (-1e308, 1e308), (0.0, 5e-324)]
)
def test_bars_lie_between_the_smallest_and_the_largest_value(low, high):
    edges = bars_between(low, high)
    assert list(edges) == sorted(set(edges))
    assert len(edges) < 20
    assert all(low <= edge < high for edge in edges)
    assert all(type(edge) is type(low) for edge in edges)


def test_a_profile_is_read_from_the_version_in_the_store(tmp_path):
    folder = tmp_path / "version"
    folder.mkdir()
    profile = profile_of(staged(tmp_path, [1.0, 2.5]), tmp_path)
    profile.write(folder)
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(folder, "datasets", "it")
    assert (
        read_profile(store, PinnedRef(name="it", digest=uri.rpartition("/")[2].replace("-", ":"))) == profile
    )
    assert json.loads((folder / "profile.json").read_text())["rows"] == 2


def test_a_version_without_a_profile_says_so(tmp_path):
    folder = tmp_path / "version"
    folder.mkdir()
    (folder / "other.json").write_text("{}")
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(folder, "datasets", "it")
    with pytest.raises(Terminal, match=r"has no profile\.json"):
        read_profile(store, PinnedRef(name="it", digest=uri.rpartition("/")[2].replace("-", ":")))


def test_a_damaged_profile_says_so(tmp_path):
    folder = tmp_path / "version"
    folder.mkdir()
    (folder / "profile.json").write_text('{"rows": "many"}')
    store = Store(f"file://{tmp_path}/store")
    uri = store.put(folder, "datasets", "it")
    with pytest.raises(Terminal, match=r"profile\.json of store://datasets/it/.* is not one"):
        read_profile(store, PinnedRef(name="it", digest=uri.rpartition("/")[2].replace("-", ":")))


def test_a_column_is_found_by_its_name():
    column = ColumnProfile(name="x", type="String", looked_at=0, nulls=0, distinct=0)
    profile = Profile(rows=0, columns=(column,))
    assert profile.column("x") is column
    assert profile.column("y") is None
