"""The rules of ``benchmarks.records`` as one writes them with pandas: all in memory, a line for each."""

from datetime import datetime
from pathlib import Path

import jsonschema_rs
import numpy as np
import pandas as pd
from benchmarks.records import NAMES, SCHEMA

from mlplane.data.distribution import ks, psi
from mlplane.data.profiles import ColumnProfile, Profile
from mlplane.data.staging import ROW


def check(path: Path, earlier: Profile, now: datetime) -> dict[str, tuple[int, list[int]]]:
    """Number and first ten rows of the records that break each rule; of a rule of all records, 0 or 1."""
    frame = pd.read_parquet(path)
    cities = [f"city-{i}" for i in range(49)]
    missing = frame.f_price.isna()
    validator = jsonschema_rs.Draft202012Validator(SCHEMA)
    records = frame[NAMES].to_dict("records")
    valid = np.array([validator.is_valid(_without_missing(record)) for record in records])
    masks = {
        "nulls": missing & (missing.mean() > 0.01),
        "range": ~frame.n_age.between(0, 120),
        "range-float": ~frame.f_ratio.between(0, 1),
        "enum": ~frame.s_city.isin(cities),
        "unique": frame.duplicated(["n_key"]),
        "unique-two": frame.duplicated(["s_user", "t_seen"]),
        "regex": ~frame.s_mail.str.fullmatch(r"[a-z0-9]+@[a-z]+\.org"),
        "record": pd.Series(~valid),
    }
    return {
        "rows": (int(len(frame) < 1000), []),
        "freshness": (int(now - frame.t_made.max() > pd.Timedelta("1d")), []),
        "psi": (int(psi(*_binned(frame.f_skew, earlier.column("f_skew"))) > 0.1), []),
        "ks": (int(ks(*_binned(frame.f_height, earlier.column("f_height"))) > 0.1), []),
        "psi-text": (int(psi(*_counted(frame.s_kind, earlier.column("s_kind"))) > 0.1), []),
        **{name: (int(mask.sum()), frame[ROW][mask].head(10).tolist()) for name, mask in masks.items()},
    }


def _without_missing(record: dict) -> dict:
    found = {name: value for name, value in record.items() if not pd.isna(value)}
    return {
        name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in found.items()
    }


def _binned(values: pd.Series, before: ColumnProfile) -> tuple[list[int], list[int]]:
    bins = before.numbers.bins
    now = pd.cut(values, [-np.inf, *bins.edges, np.inf]).value_counts(sort=False).tolist()
    return [before.nulls, *bins.counts], [int(values.isna().sum()), *now]


def _counted(values: pd.Series, before: ColumnProfile) -> tuple[list[int], list[int]]:
    then = {top.value: top.count for top in before.top}
    now = values.value_counts().reindex(then, fill_value=0).tolist()
    others = before.looked_at - before.nulls - sum(then.values())
    return (
        [before.nulls, *then.values(), others],
        [int(values.isna().sum()), *now, int(values.notna().sum()) - sum(now)],
    )
