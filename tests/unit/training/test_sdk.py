import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlplane import training
from mlplane.api.dataset import DataColumn
from mlplane.data.arrowtypes import schema_of
from mlplane.errors import InvalidInput, Terminal
from mlplane.training.context import RUN_ENV
from mlplane.training.tables import read_batches


@pytest.fixture
def in_run(run_json, monkeypatch):
    monkeypatch.setenv(RUN_ENV, str(run_json))
    return run_json


def test_columns_become_arrays_by_name(in_run):
    data = training.dataset("train")
    arrays = data.arrays()
    assert (data.rows, [c.name for c in data.columns]) == (3, ["v", "n", "x"])
    assert {name: (a.dtype, a.shape) for name, a in arrays.items()} == {
        "v": (np.float32, (3, 2)),
        "n": (np.int64, (3,)),
        "x": (np.float32, (3,)),
    }
    assert arrays["v"].tolist() == [[1, 2], [4, 5], [7, 8]]
    assert arrays["n"].tolist() == [3, 9007199254740993, 9]


def test_an_empty_split_gives_empty_arrays(in_run):
    path = training.dataset("train").path
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    assert {name: a.shape for name, a in training.dataset("train").arrays().items()} == {
        "v": (0, 2),
        "n": (0,),
        "x": (0,),
    }


def test_every_type_has_an_array_and_what_is_missing_is_told_by_it(in_run):
    columns = [
        DataColumn(name="i", type="Integer", nulls="Allowed"),
        DataColumn(name="n", type="Number", nulls="Allowed"),
        DataColumn(name="f", type="Boolean"),
        DataColumn(name="g", type="Boolean", nulls="Allowed"),
        DataColumn(name="s", type="String", nulls="Allowed"),
        DataColumn(name="b", type="Binary"),
        DataColumn(name="t", type="Timestamp", nulls="Allowed"),
        DataColumn(name="w", type="Number", width=2, nulls="Allowed"),
    ]
    moment = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    records = [
        {"i": 2**53, "n": 0.5, "f": True, "g": False, "s": "ä", "b": b"\0", "t": moment, "w": [1.0, 2.0]},
        {"i": None, "n": None, "f": False, "g": None, "s": None, "b": b"", "t": None, "w": [None, 4.0]},
    ]
    path = training.dataset("train").path
    pq.write_table(pa.Table.from_pylist(records, schema=schema_of(columns)), path)
    data = training.Dataset(path, 2, tuple(columns))
    found = data.arrays()
    assert [str(array.dtype) for array in found.values()] == [
        *("float64", "float32", "bool", "float32", "object", "object", "datetime64[us]", "float32")
    ]
    assert all(array.flags.writeable for array in found.values())
    assert np.array_equal(found["i"], [2.0**53, np.nan], equal_nan=True)
    assert np.array_equal(found["n"], [0.5, np.nan], equal_nan=True)
    assert np.array_equal(found["g"], [0.0, np.nan], equal_nan=True)
    assert found["s"].tolist() == ["ä", None]
    assert found["b"].tolist() == [b"\0", b""]
    assert found["t"][0] == np.datetime64("2024-05-01")
    assert np.isnat(found["t"][1])
    assert np.array_equal(found["w"], [[1, 2], [np.nan, 4]], equal_nan=True)
    assert data.table().to_pylist() == records
    assert list(data.tensors()) == ["i", "n", "f", "g", "w"]
    for part in read_batches(path, columns, 1):
        assert [array.shape[0] for array in part.values()] == [1] * 8
        assert {n: a.dtype for n, a in part.items()} == {n: a.dtype for n, a in found.items()}


@pytest.mark.parametrize(("split", "why"), [("test", "will be judged on"), ("validation", "has no split")])
def test_other_splits_are_refused_with_those_that_may_be_read(in_run, split, why):
    with pytest.raises(InvalidInput, match=f"{why}.*a script may read train"):
        training.dataset(split)


def test_parameters_have_the_types_of_their_defaults(in_run):
    params = training.params(epochs=1, lr=0.1, name="x", fast=False, other=3)
    assert vars(params) == {"epochs": 5, "lr": 0.001, "name": "7", "fast": True, "other": 3}


def test_outside_of_a_run_parameters_have_their_defaults(monkeypatch):
    monkeypatch.delenv(RUN_ENV, raising=False)
    assert vars(training.params(epochs=1, lr=0.1)) == {"epochs": 1, "lr": 0.1}


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        (
            {"epochs": 1, "lr": 1, "name": "", "fast": True},
            "spec.params.lr is '1e-3'; the script needs a whole number",
        ),
        (
            {"epochs": True, "lr": 0.1, "name": "", "fast": True},
            "spec.params.epochs is '5'; .*'true' or 'false'",
        ),
        (
            {"lr": 0.1, "name": "", "fast": True},
            "spec.params.epochs is not a parameter of the script; it knows fast, lr",
        ),
        (
            {"epochs": None, "lr": 0.1, "name": "", "fast": True},
            "spec.params.epochs: the script's own default is a NoneType",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(in_run, defaults, message):
    with pytest.raises(InvalidInput, match=message):
        training.params(**defaults)


def test_a_run_document_that_cannot_be_read_is_an_error_not_a_run_outside(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN_ENV, str(tmp_path / "missing.json"))
    with pytest.raises(Terminal, match=r"missing\.json"):
        training.params(epochs=1)


def test_metrics_and_progress_are_lines_of_json(capsys, monkeypatch):
    monkeypatch.delenv("ARGO_PROGRESS_FILE", raising=False)
    training.metrics(step=2, loss=np.float32(0.5), rate=float("nan"))
    training.metrics(accuracy=1)
    training.progress(1, 4)
    assert capsys.readouterr().out.splitlines() == [
        '{"mlplane": {"metrics": {"loss": 0.5, "rate": null}, "step": 2}}',
        '{"mlplane": {"metrics": {"accuracy": 1.0}}}',
        '{"mlplane": {"progress": "1/4"}}',
    ]


def test_progress_is_the_last_line_of_argos_file(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    for done in range(4):
        training.progress(done, 3)
    assert (tmp_path / "progress").read_text() == "3/3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["progress"]


def test_training_goes_on_where_progress_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "missing/progress"))
    training.progress(1, 3)


@pytest.mark.parametrize(("done", "total"), [(2, 1), (-1, 3), (0, 0)])
def test_senseless_progress_is_refused(done, total):
    with pytest.raises(ValueError, match="expected 0 <= done <= total"):
        training.progress(done, total)


def test_importing_the_sdk_imports_nothing_heavy(script):
    done = script(
        "import sys; from mlplane import training; print({'torch', 'numpy', 'fsspec'} & set(sys.modules))"
    )
    assert done.out.strip() == "set()", done.err
