"""From a commit to a prediction on an API server that is not ours, under exactly the manifests' rights."""

import csv
import gzip
import json
import urllib.request
from pathlib import Path

import pytest

from story import granted, telling

pytestmark = pytest.mark.timeout(600)


def ask(url: str, path: str, document: dict) -> dict:
    """POST by address and Host header: not every resolver knows ``*.localhost``."""
    host, _, port = url.removeprefix("http://").partition(":")
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=json.dumps(document).encode(),
        headers={"Host": f"{host}:{port}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.load(reply)


def records(repository: Path, count: int) -> list[list[int]]:
    with gzip.open(repository / "data" / "digits.csv.gz", "rt") as lines:
        rows = csv.reader(lines)
        return [[int(float(value)) for value in next(rows)] for _ in range(count)]


async def test_from_a_commit_to_a_prediction(kubeconfig, installed, tmp_path):
    async with telling(kubeconfig, tmp_path) as story:
        url = await story.wait_until_served()
        rows = records(story.repository, 100)
        answer = ask(url, "/v1/models/digits:predict", {"instances": [row[:64] for row in rows]})
        guesses = [scores.index(max(scores)) for scores in answer["predictions"]]
        assert sum(guess == row[64] for guess, row in zip(guesses, rows, strict=True)) >= 95
        await story.change_runs()
        approved = await story.condition("TrainingRun", "digits-1", "Complete")
        assert approved["status"] == "True"
    assert story.refused == []
    assert sorted(granted() - story.used) == []
    assert sorted(story.used - granted()) == []
