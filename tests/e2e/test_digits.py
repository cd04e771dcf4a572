"""The digits story: data, training, evaluation, serving; through git and through kubectl."""

import csv
import gzip
import json
import urllib.request
from itertools import chain
from pathlib import Path

import pytest

from plane import Plane, eventually, git, running

pytestmark = pytest.mark.timeout(400)


def records(repository: Path, count: int) -> list[list[int]]:
    with gzip.open(repository / "data" / "digits.csv.gz", "rt") as lines:
        rows = csv.reader(lines)
        return [[int(float(value)) for value in next(rows)] for _ in range(count)]


def ask(url: str, path: str, document: dict) -> dict:
    """POST to a ``*.localhost`` URL, whose name not every resolver knows, by address and Host header."""
    host, _, port = url.removeprefix("http://").partition(":")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(document).encode(),
        headers={"Host": f"{host}:{port}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def test_from_a_commit_to_predictions(gitops_plane: Plane, repository: Path):
    with running(gitops_plane) as plane:
        plane.wait_for("modelserver", "digits", "Ready")

        [version] = plane.objects("modelversions")
        [evaluation] = plane.objects("evaluations")
        head = git(repository, plane.home, "rev-parse", "HEAD")
        assert plane.object("dataset", "digits")["metadata"]["annotations"]["mlplane.dev/commit"] == head
        assert plane.condition("trainingrun", "digits-1", "Complete")["status"] == "True"
        assert plane.condition("modelversion", version["metadata"]["name"], "Approved")["status"] == "True"
        [result] = evaluation["spec"]["recorded"]["results"]
        assert float(result["value"]) >= 0.95

        lineage = version["spec"]["lineage"]
        assert lineage["dataset"]["digest"] == plane.object("dataset", "digits")["status"]["digest"]
        assert lineage["code"]["tree"] == git(repository, plane.home, "rev-parse", "HEAD:train")

        rows = records(repository, 200)
        url = plane.object("modelserver", "digits")["status"]["url"]
        pixels = [row[:64] for row in rows]
        v2 = ask(
            url,
            "/v2/models/digits/infer",
            {
                "inputs": [
                    {"name": "pixels", "datatype": "FP32", "shape": [200, 64], "data": list(chain(*pixels))}
                ]
            },
        )
        [output] = v2["outputs"]
        logits = [output["data"][i * 10 : i * 10 + 10] for i in range(200)]
        right = sum(scores.index(max(scores)) == row[64] for scores, row in zip(logits, rows, strict=True))
        assert right >= 190
        v1 = ask(url, "/v1/models/digits:predict", {"instances": pixels[:3]})
        assert [scores.index(max(scores)) for scores in v1["predictions"]] == [row[64] for row in rows[:3]]


def test_a_model_trained_on_shuffled_labels_is_not_served(gitops_plane: Plane, repository: Path):
    """The guard against faking: nothing but the data tells a good model from a bad one."""
    script = repository / "train" / "train.py"
    text = script.read_text()
    line = '    pixels, label = data["pixels"], data["label"]\n'
    assert line in text
    script.write_text(text.replace(line, f"{line}    label = label[torch.randperm(len(label))]\n"))
    git(repository, gitops_plane.home, "commit", "-am", "Shuffle the labels")
    gitops_plane.mlplane("lock", str(repository), "--commit")
    with running(gitops_plane) as plane:
        complete = plane.wait_for("trainingrun", "digits-1", "Complete")
        assert "misses the minimum 0.95" in complete["message"]
        [evaluation] = plane.objects("evaluations")
        [result] = evaluation["spec"]["recorded"]["results"]
        assert evaluation["spec"]["recorded"]["verdict"] == "Failed"
        assert float(result["value"]) < 0.3
        server = plane.wait_for("modelserver", "digits", "Ready", status="False")
        eventually(
            lambda: (
                plane.condition("modelserver", "digits", "Ready").get("reason") == "ModelVersionNotApproved"
            ),
            "the server refuses the version",
        )
        assert result["value"] in plane.condition("modelserver", "digits", "Ready")["message"], server
        assert plane.objects("inferenceservices") == []
