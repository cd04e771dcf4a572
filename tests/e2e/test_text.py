"""The template ``text``: sentences are encoded, a model learns them; server and notebook answer alike."""

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from plane import Plane, make_repository, running

pytestmark = pytest.mark.timeout(400)

NOTEBOOK = """
import json, sys, mlplane
model = mlplane.load(sys.argv[1])
scores = model.predict({"codes": json.load(sys.stdin)})["scores"].tolist()
print(json.dumps({"name": model.name, "digest": model.digest, "scores": scores}))
"""


def spoken(repository: Path, count: int) -> list[dict[str, str]]:
    """Some records of the data, from all over them."""
    with gzip.open(repository / "data" / "sentences.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    return rows[:: len(rows) // count]


def encoded(text: str) -> list[int]:
    """As the README tells a client."""
    return list(text.encode()[:160].ljust(160, b"\0"))


def test_sentences_become_a_model_that_server_and_notebook_ask_alike(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    repository = make_repository(tmp_path / "text", home, "text")
    arguments = ("--repo", str(repository), "--path", "dev", "--revision", "main")
    with running(Plane(tmp_path / "state", home, arguments)) as plane:
        plane.wait_for("modelserver", "eras", "Ready")
        derived = plane.object("dataset", "encoded")["status"]
        assert sum(split["rows"] for split in derived["splits"]) == derived["rows"] == 8000
        [version] = plane.objects("modelversions")
        [evaluation] = plane.objects("evaluations")
        results = evaluation["spec"]["recorded"]["results"]
        assert [result["gate"].get("slice") for result in results] == [None, "short"]
        assert 0.78 <= float(results[0]["value"]) < 0.95

        rows = spoken(repository, 100)
        codes = [encoded(row["text"]) for row in rows]
        (tmp_path / "request.json").write_text(json.dumps({"instances": codes}))
        answer = plane.mlplane("predict", "eras", "--input", str(tmp_path / "request.json")).stdout
        served = json.loads(answer)["predictions"]
        right = sum(
            int(scores[1] > scores[0]) == int(row["era"]) for scores, row in zip(served, rows, strict=True)
        )
        assert right >= 75
        notebook = subprocess.run(
            [sys.executable, "-c", NOTEBOOK, "eras"],
            input=json.dumps(codes), env=plane.environment, cwd=tmp_path, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        loaded = json.loads(notebook.stdout)
        assert (loaded["name"], loaded["digest"]) == (
            version["metadata"]["name"],
            version["spec"]["artifact"]["digest"],
        )
        for here, there in zip(loaded["scores"], served, strict=True):
            assert here == pytest.approx(there, abs=1e-4)
