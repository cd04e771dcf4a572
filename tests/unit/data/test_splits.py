import hashlib
import itertools

import numpy as np
import pyarrow as pa
import pytest

from mlplane.data.splits import in_sample, split_indices
from rawdata import SPLITS, records_of, spec_of, staged, table_of

ID = [{"name": "id", "type": "Integer"}]
TWO = [{"name": "id", "type": "Integer"}, {"name": "key", "type": "String"}]


def digests_of(numbers):
    joined = b"".join(hashlib.sha256(str(n).encode()).digest() for n in numbers)
    return np.frombuffer(joined, dtype=np.uint8).reshape(-1, 32)


def by_hash(numbers, splits=SPLITS):
    spec = spec_of(ID, splits=splits)
    return split_indices(pa.RecordBatch.from_pydict({}), digests_of(numbers), spec)


def names_by_row(found, spec):
    table = table_of(found).to_pydict()
    pairs = zip(table["#row"], table["#split"], strict=True)
    return {row: spec.splits[i].name if i >= 0 else None for row, i in pairs}


def test_shares_are_about_as_large_as_asked_for_and_stable():
    found = by_hash(range(10_000))
    assert 0.78 < (found == 0).mean() < 0.82
    # Written down: another assignment would move rows of every dataset between training and evaluation.
    assert by_hash(range(12)).tolist() == [0] * 5 + [1] + [0] * 2 + [1] + [0] * 3


def test_a_larger_first_share_takes_records_and_gives_none_back():
    taken = [
        by_hash(range(300), [{"name": "a", "percent": p}, {"name": "b", "percent": 100 - p}]) == 0
        for p in range(1, 99)
    ]
    assert all((small <= large).all() for small, large in itertools.pairwise(taken))


def test_a_sample_says_nothing_of_the_split():
    digests = digests_of(range(20_000))
    sampled = in_sample(digests, 30)
    assert 0.28 < sampled.mean() < 0.32
    train = by_hash(range(20_000)) == 0
    assert abs(train[sampled].mean() - train[~sampled].mean()) < 0.02


def test_a_sample_is_a_part_of_a_larger_sample_and_keeps_row_numbers_and_splits(tmp_path):
    lines = "".join(f"{n}\n" for n in range(500))
    whole, large, small = (
        staged(tmp_path / str(p), lines, spec := spec_of(ID, **({"sample": {"percent": p}} if p else {})))
        for p in (0, 40, 10)
    )
    everywhere, some, few = (names_by_row(each, spec) for each in (whole, large, small))
    assert set(few) < set(some) < set(everywhere)
    assert some.items() < everywhere.items()
    assert (large.read, large.rows) == (500, len(some))


def test_records_that_are_equal_in_the_key_stay_together(tmp_path):
    lines = "".join(f"{n},user{n % 40}\n" for n in range(1000))
    spec = spec_of(TWO, splitBy={"method": "Hash", "column": "key"}, sample={"percent": 60})
    found = staged(tmp_path, lines, spec)
    table = table_of(found).to_pydict()
    splits_of_key = {}
    for key, split in zip(table["key"], table["#split"], strict=True):
        splits_of_key.setdefault(key, []).append(split)
    assert all(len(set(splits)) == 1 for splits in splits_of_key.values())
    assert all(len(splits) == 25 for splits in splits_of_key.values())
    assert {splits[0] for splits in splits_of_key.values()} == {0, 1}
    assert len(splits_of_key) < 40


def test_time_divides_by_moments_and_the_bound_itself_is_in_the_later_split(tmp_path):
    columns = [{"name": "t", "type": "Timestamp"}]
    lines = "2024-01-31T23:59:59.999999Z\n2024-02-01\n2024-03-01T11:59Z\n2024-03-01T13:00+01:00\n2025-01-01\n"
    splits = [
        {"name": "old", "until": "2024-02-01"},
        {"name": "mid", "until": "2024-03-01T12:00:00Z"},
        {"name": "new"},
    ]
    spec = spec_of(columns, splitBy={"method": "Time", "column": "t"}, splits=splits)
    found = names_by_row(staged(tmp_path, lines, spec), spec)
    assert list(found.values()) == ["old", "mid", "mid", "new", "new"]


@pytest.mark.parametrize(
    ("kind", "lines", "first"), [("String", "a\nb\nc\n", "a"), ("Integer", "07\n8\n9\n", "7")]
)
def test_a_column_divides_by_its_values_and_the_rest_goes_to_the_last_split(tmp_path, kind, lines, first):
    splits = [{"name": "one", "values": [first]}, {"name": "rest"}]
    by = {"method": "Column", "column": "c"}
    spec = spec_of([{"name": "c", "type": kind}], splitBy=by, splits=splits)
    found = staged(tmp_path, lines, spec)
    assert list(names_by_row(found, spec).values()) == ["one", "rest", "rest"]
    assert found.findings == ()


def test_a_record_that_no_split_takes_is_found_and_not_lost_in_silence(tmp_path):
    splits = [{"name": "one", "values": ["true"]}, {"name": "two", "values": ["false"]}]
    by = {"method": "Column", "column": "c"}
    column = {"name": "c", "type": "String"}
    found = staged(tmp_path, "true\nmaybe\nfalse\n", spec_of([column], splitBy=by, splits=splits))
    (finding,) = found.findings
    assert (finding.rule, finding.column, finding.count, finding.rows) == ("split", "c", 1, (2,))
    assert len(records_of(found)) == 3
