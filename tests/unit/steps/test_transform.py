"""The step ``transform`` as a process, and ``ingest`` of what it made."""

import copy
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from mlplane.api.dataset import DatasetSpec, DerivedFrom, ResolvedInput
from mlplane.tasks import IngestResult, IngestTask, TransformTask

SCRIPT = """
import os
from mlplane import training

params = training.params(limit=10)
rows = training.source("digits").arrays()
kept = [(i, y) for i, y in zip(rows["index"], rows["y"]) if i < params.limit]
with training.output("part.csv").open("w") as file:
    file.writelines(f"{i},{y}\\n" for i, y in sorted(kept))
print("secrets:", [name for name in os.environ if "SECRET" in name or "STORE" in name or "TASK" in name])
"""
SPEC = {
    "format": "CSV",
    "header": "Absent",
    "columns": [{"name": "index", "type": "Integer"}, {"name": "y", "type": "Integer"}],
    "splits": [{"name": "all", "percent": 100}],
}


def write(bench, script):
    (bench.repo / "clean").mkdir(exist_ok=True)
    (bench.repo / "clean/clean.py").write_text(script)
    bench.commit()


def derived_from(bench, **changes):
    body = {
        "datasets": [{"name": "digits"}],
        "code": {"git": bench.run["code"]["git"] | {"path": "clean"}},
        "entrypoint": "clean.py",
        "params": {"limit": 7},
    }
    return DerivedFrom.model_validate(body | changes)


def transform(bench, digest, **changes):
    inputs = (ResolvedInput(name="digits", digest=digest),)
    task = TransformTask(name="clean", derived_from=derived_from(bench, **changes), inputs=inputs)
    return bench.step(task.model_dump_json(by_alias=True, exclude_none=True), "transform")


def ingest(bench, raw):
    spec = DatasetSpec.model_validate(SPEC | {"derivedFrom": derived_from(bench).to_body()})
    task = IngestTask(name="clean", spec=spec)
    done = bench.step(task.model_dump_json(by_alias=True, exclude_none=True), "ingest", f"--raw={raw}")
    assert done.code == 0, done.err
    return IngestResult.model_validate_json(done.outputs["dataset"])


@pytest.fixture(scope="module")
def parent(trained_once, tmp_path_factory):
    """A bench with a version of the small dataset, and its digest."""
    bench = replace(copy.deepcopy(trained_once[0]), root=tmp_path_factory.mktemp("derived") / "bench")
    shutil.copytree(trained_once[0].root, bench.root)
    config = bench.root / "gitconfig"
    config.write_text(config.read_text().replace(str(trained_once[0].root), str(bench.root)))
    return bench, json.loads(trained_once[1])["dataset"]["digest"]


def test_a_script_makes_a_dataset_of_all_splits_of_another_one_and_makes_it_again(parent):
    bench, digest = parent
    write(bench, SCRIPT)
    first = transform(bench, digest)
    assert first.code == 0, first.err
    assert "secrets: []" in first.out
    made = ingest(bench, first.outputs["raw"])
    assert made.rows == 7
    for artifact in (*bench.store.glob("raw/clean/*"), *bench.store.glob("datasets/clean/*")):
        shutil.rmtree(artifact)
    again = transform(bench, digest)
    assert again.outputs == first.outputs
    assert ingest(bench, again.outputs["raw"]).digest == made.digest


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("", "script clean.py wrote no file; write to mlplane.training.output"),
        ("from mlplane import training\ntraining.output('manifest.json')", "failed with exit code 1"),
    ],
)
def test_a_script_that_makes_nothing_is_named(parent, script, says):
    bench, digest = parent
    write(bench, script)
    done = transform(bench, digest)
    assert (done.code, says in done.last_line) == (1, True), done.err


def test_a_version_that_is_not_in_the_store_is_named(parent):
    bench, _ = parent
    write(bench, SCRIPT)
    done = transform(bench, "sha256:" + "0" * 64)
    assert done.code == 5
    assert f"store://datasets/digits/sha256-{'0' * 64} is not in the store" in done.last_line


def test_the_script_runs_outside_of_mlplane_on_the_working_tree(parent):
    repo = parent[0].repo
    manifest = {"kind": "Dataset", "metadata": {"name": "digits"}, "spec": parent[0].dataset}
    (repo / "digits.yaml").write_text(json.dumps(manifest))
    (repo / "clean").mkdir(exist_ok=True)
    script = SCRIPT.replace('source("digits")', 'source("digits", manifest="digits.yaml")')
    (repo / "clean/clean.py").write_text(script)
    subprocess.run([sys.executable, "clean/clean.py"], cwd=repo, check=True, timeout=100)
    assert (repo / "output/part.csv").read_text().count("\n") == 10
