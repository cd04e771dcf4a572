"""A recorded outcome against the report that it names."""

import copy
import json
import re

import pytest

from mlplane.errors import InvalidInput
from mlplane.steps.reports import REPORTS, write_report
from mlplane.steps.verify import verify
from mlplane.steps.workspace import Workspace
from mlplane.store.artifacts import Store
from mlplane.tasks import VerifyTask

MODEL, DATA, OTHER = ("sha256:" + letter * 64 for letter in "adf")
RESULT = {"gate": {"metric": "accuracy", "min": "0.9"}, "verdict": "Passed", "rows": 100, "value": "0.9500"}
REPORT = {
    "version": 2,
    "model": {"name": "digits", "digest": MODEL},
    "dataset": {"name": "images", "digest": DATA},
    "split": {"name": "test", "digest": OTHER},
    "verdict": "Passed",
    "rows": 100,
    "gates": [RESULT],
}


@pytest.fixture
def store(tmp_path):
    return Store(f"file://{tmp_path}/store")


@pytest.fixture
def spec(store, tmp_path):
    """An Evaluation as it was recorded from the report."""
    return {
        "modelVersion": {"name": "digits-1", "digest": MODEL},
        "dataset": {"name": "images", "digest": DATA},
        "split": "test",
        "recorded": {"verdict": "Passed", "rows": 100, "results": [RESULT], "report": put(store, tmp_path)},
    }


def put(store, tmp_path, **changes):
    folder = tmp_path / "report"
    folder.mkdir(exist_ok=True)
    write_report(REPORT | changes, folder)
    return store.put(folder, REPORTS, "digits")


def finding(store, tmp_path, spec, model="digits"):
    task = VerifyTask.model_validate({"model": model, "spec": spec})
    workspace = Workspace(tmp_path / "work", store, task.model_dump_json(by_alias=True, exclude_none=True))
    verify(workspace)
    return (tmp_path / "work/out/finding").read_text()


def changed(spec, path, value):
    made = copy.deepcopy(spec)
    *parents, name = path
    target = made
    for parent in parents:
        target = target[parent]
    target[name] = value
    return made


def test_what_the_report_bears_out_gives_no_finding(store, tmp_path, spec):
    assert finding(store, tmp_path, spec) == ""


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("modelVersion", "digest"),
            OTHER,
            f"spec.modelVersion.digest: the report .* says {MODEL}, recorded is {OTHER}",
        ),
        (("dataset", "name"), "faces", "spec.dataset.name: .* says images, recorded is faces"),
        (("dataset", "digest"), OTHER, f"spec.dataset.digest: .* says {DATA}, recorded is {OTHER}"),
        (("split",), "validation", "spec.split: .* says test, recorded is validation"),
        (("recorded", "verdict"), "Failed", "spec.recorded.verdict: .* says Passed, recorded is Failed"),
        (("recorded", "rows"), 101, "spec.recorded.rows: .* says 100, recorded is 101"),
        (("recorded", "results"), [], "number of spec.recorded.results: .* says 1, recorded is 0"),
        (
            ("recorded", "results", 0, "value"),
            "0.9900",
            r"spec.recorded.results\[0\].value: .* says 0.9500, recorded is 0.9900",
        ),
        (
            ("recorded", "results", 0, "gate"),
            {"metric": "accuracy", "min": "0.5"},
            r"results\[0\].gate: .* says metric accuracy, min 0.9, recorded is metric accuracy, min 0.5",
        ),
        (
            ("recorded", "results", 0, "baseline"),
            "0.9",
            r"results\[0\].baseline: .* says nothing, recorded is 0.9",
        ),
    ],
)
def test_the_first_difference_is_told_in_a_sentence(store, tmp_path, spec, path, value, said):

    assert re.search(said, finding(store, tmp_path, changed(spec, path, value)))


def test_a_report_about_another_model_is_found(store, tmp_path, spec):
    assert finding(store, tmp_path, spec, model="faces").startswith("model: ")


def test_a_report_that_is_missing_or_not_one_bears_out_nothing(store, tmp_path, spec):
    gone = f"store://reports/digits/sha256-{'0' * 64}"
    found = finding(store, tmp_path, changed(spec, ("recorded", "report"), gone))
    assert f"{gone} is not in the store" in found
    old = put(store, tmp_path, version=1)
    assert "is not of version 2" in finding(store, tmp_path, changed(spec, ("recorded", "report"), old))
    odd = put(store, tmp_path, gates="all")
    assert "is damaged" in finding(store, tmp_path, changed(spec, ("recorded", "report"), odd))


def test_a_changed_byte_in_a_report_is_found(store, tmp_path, spec):
    [path] = (tmp_path / "store/reports").rglob("report.json")
    path.write_text(json.dumps(REPORT | {"rows": 1000}))
    assert "is damaged: file report.json" in finding(store, tmp_path, spec)


def test_an_evaluation_that_is_still_to_be_carried_out_is_no_record(store, tmp_path, spec):
    del spec["recorded"]
    with pytest.raises(InvalidInput, match=r"no spec\.recorded"):
        finding(store, tmp_path, spec)
