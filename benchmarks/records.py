"""Records for ``benchmarks.checks``: 20 columns of every type, as staged files, and a check of every kind.

A few records break each of the rules, so that counting and placing them is part of what is measured.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlplane.api.datacheck import Check
from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.data.staging import ROW, Staged

BATCH = 65536
TYPES = {"n": "Integer", "f": "Number", "s": "String", "b": "Boolean", "t": "Timestamp"}
NAMES = [
    "n_key",
    "n_age",
    "n_visits",
    "n_score",
    "n_label",
    "f_price",
    "f_weight",
    "f_ratio",
    "f_skew",
    "f_height",
    "f_noise",
    "s_user",
    "s_city",
    "s_mail",
    "s_code",
    "s_kind",
    "b_paid",
    "b_new",
    "t_seen",
    "t_made",
]
COLUMNS = tuple(DataColumn(name=name, type=TYPES[name[0]], nulls="Allowed") for name in NAMES)
DIGEST = f"sha256:{'0' * 64}"
SCHEMA = {
    "type": "object",
    "required": ["n_key", "s_user"],
    "properties": {"n_age": {"minimum": 0}, "s_code": {"maxLength": 7}, "f_price": {"type": "number"}},
}
EARLIER = {"dataset": "earlier", "digest": DIGEST}
CHECKS = [
    Check.model_validate(check)
    for check in (
        {"name": "rows", "rows": {"min": 1000}},
        {"name": "nulls", "column": "f_price", "nulls": {"maxShare": "0.01"}},
        {"name": "range", "column": "n_age", "range": {"min": "0", "max": "120"}},
        {"name": "range-float", "column": "f_ratio", "range": {"min": "0", "max": "1"}},
        {"name": "enum", "column": "s_city", "enum": {"values": [f"city-{i}" for i in range(49)]}},
        {"name": "unique", "unique": {"columns": ["n_key"]}},
        {"name": "unique-two", "unique": {"columns": ["s_user", "t_seen"]}},
        {"name": "regex", "column": "s_mail", "regex": {"pattern": r"[a-z0-9]+@[a-z]+\.org"}},
        {"name": "freshness", "column": "t_made", "freshness": {"maxAge": "1d"}},
        {"name": "psi", "column": "f_skew", "distribution": {**EARLIER, "statistic": "PSI", "max": "0.1"}},
        {"name": "ks", "column": "f_height", "distribution": {**EARLIER, "statistic": "KS", "max": "0.1"}},
        {
            "name": "psi-text",
            "column": "s_kind",
            "distribution": {**EARLIER, "statistic": "PSI", "max": "0.1"},
        },
        {"name": "record", "record": {"jsonSchema": json.dumps(SCHEMA)}},
    )
]


def write(path: Path, rows: int, seed: int) -> Staged:
    """Write a staged file.

    Args:
        path: The file.
        rows: Number of records.
        seed: Of the random values.
    """
    schema = pa.schema([*schema_of(COLUMNS), (ROW, pa.int64())])
    with pq.ParquetWriter(path, schema, compression="lz4", use_dictionary=False) as writer:
        for first in range(0, rows, BATCH):
            size = min(BATCH, rows - first)
            values = _values(np.random.default_rng([seed, first]), first, size)
            arrays = [pa.array(values[name], type=schema.field(name).type) for name in NAMES]
            numbers = pa.array(np.arange(first + 1, first + size + 1))
            writer.write_batch(pa.RecordBatch.from_arrays([*arrays, numbers], schema=schema))
    return opened(path)


def opened(path: Path) -> Staged:
    """A staged file that is there."""
    rows = pq.read_metadata(path).num_rows
    return Staged(path, COLUMNS, rows, rows, ())


def _values(random: np.random.Generator, first: int, size: int) -> dict[str, object]:
    key = np.arange(first, first + size)
    key[random.random(size) < 0.0001] = first
    some = random.random(size)
    mail = np.char.add(key.astype(str), np.where(some < 0.001, "@EXAMPLE.org", "@example.org"))
    age = random.integers(0, 100, size)
    return {
        "n_key": key,
        "n_age": np.where(some < 0.001, -1, age),
        **{name: random.integers(0, 1000, size) for name in ("n_visits", "n_score", "n_label")},
        "f_price": pa.array(random.gamma(2, 20, size), mask=random.random(size) < 0.02),
        "f_ratio": random.random(size) * 1.0001,
        "f_skew": random.exponential(1, size),
        **{name: random.normal(size=size) for name in ("f_weight", "f_height", "f_noise")},
        "s_user": np.char.add("user-", random.integers(0, 100_000, size).astype(str)),
        "s_city": np.char.add("city-", random.integers(0, 50, size).astype(str)),
        "s_mail": mail,
        "s_code": np.char.add("c", random.integers(0, 10**6, size).astype(str)),
        "s_kind": np.char.add("kind-", random.integers(0, 5, size).astype(str)),
        "b_paid": random.random(size) < 0.5,
        "b_new": random.random(size) < 0.1,
        "t_seen": (1_767_225_600_000_000 + random.integers(0, 10**12, size)).astype("M8[us]"),
        "t_made": (1_767_225_600_000_000 + random.integers(0, 10**12, size)).astype("M8[us]"),
    }
