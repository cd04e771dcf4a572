"""A Dataset made of another one on a running plane: in any order, and again when its output was deleted."""

import shutil
from pathlib import Path

import pytest
import yaml

from plane import Plane, commit, eventually, git, make_repository, running

SCRIPT = """
from mlplane import training

params = training.params(ink=100)
digits = training.source("digits").arrays()
with training.output("part.csv").open("w") as file:
    for pixels, label in zip(digits["pixels"], digits["label"]):
        if pixels.sum() > params.ink:
            file.write(f"{int(pixels.sum())},{label}\\n")
"""


def derived(commit: str, url: str) -> dict:
    return {
        "apiVersion": "mlplane.dev/v1alpha1",
        "kind": "Dataset",
        "metadata": {"name": "ink"},
        "spec": {
            "derivedFrom": {
                "datasets": [{"name": "digits"}],
                "code": {"git": {"url": url, "path": "ink", "commit": commit}},
                "entrypoint": "ink.py",
                "params": {"ink": 300},
            },
            "format": "CSV",
            "header": "Absent",
            "columns": [
                {"name": "ink", "type": "Integer", "minimum": "301"},
                {"name": "label", "type": "Integer"},
            ],
            "splits": [{"name": "all", "percent": 100}],
        },
    }


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    """Not started; its repository holds a transform."""
    home = tmp_path / "home"
    home.mkdir()
    repository = make_repository(tmp_path / "digits", home)
    (repository / "ink").mkdir()
    (repository / "ink/ink.py").write_text(SCRIPT)
    commit(repository, home, "Measure the ink")
    url = yaml.safe_load((repository / "dev/dataset.yaml").read_text())["spec"]["source"]["git"]["url"]
    manifest = derived(git(repository, home, "rev-parse", "HEAD"), url)
    (repository / "dev/ink.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    return Plane(
        tmp_path / "state", home, ("--repo", str(repository), "--path", "none", "--revision", "main")
    )


def test_what_was_made_of_a_dataset_is_made_again_with_the_same_digest(plane, tmp_path):
    manifests = tmp_path / "digits/dev"
    store = plane.state / "store"
    with running(plane):
        plane.kubectl("apply", "-f", str(manifests / "ink.yaml"))
        eventually(
            lambda: plane.condition("dataset", "ink", "Ready").get("reason") == "DatasetMissing", "it waits"
        )
        plane.kubectl("apply", "-f", str(manifests / "dataset.yaml"))
        plane.wait_for("dataset", "ink", "Ready")
        first = plane.object("dataset", "ink")["status"]
        parent = plane.object("dataset", "digits")["status"]["digest"]
        assert first["inputs"] == [{"name": "digits", "digest": parent}]
        assert 0 < first["rows"] < 1797

        plane.kubectl("delete", "dataset", "ink")
        shutil.rmtree(store / "datasets/ink")
        shutil.rmtree(store / "raw/ink")
        plane.kubectl("apply", "-f", str(manifests / "ink.yaml"))
        plane.wait_for("dataset", "ink", "Ready")
        again = plane.object("dataset", "ink")["status"]
        assert (again["digest"], again["splits"]) == (first["digest"], first["splits"])
        assert (store / "datasets/ink" / again["digest"].replace(":", "-") / "manifest.json").is_file()

        shown = plane.mlplane("store", "du").stdout
        assert "in use by Dataset default/ink" in shown
        assert plane.mlplane("store", "gc", "--delete").stdout.count("goes") == 0
        plane.mlplane("lock", str(manifests), "--digests", str(manifests))
        locked = yaml.safe_load((manifests / "ink.yaml").read_text())["spec"]
        assert locked["digest"] == again["digest"]
        assert locked["derivedFrom"]["datasets"] == [{"name": "digits", "digest": parent}]
        plane.kubectl("apply", "-f", str(manifests / "ink.yaml"))
        plane.kubectl("wait", "dataset/ink", "--for=jsonpath={.status.observedGeneration}=2", "--timeout=60s")
        assert plane.condition("dataset", "ink", "Ready")["status"] == "True"
