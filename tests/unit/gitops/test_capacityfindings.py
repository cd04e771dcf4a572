"""Runs that no pool can take are found before they are committed."""

from pathlib import Path

import pytest

from mlplane.capacity import Profile
from mlplane.gitops.validate import validate

MINIMAL = """\
apiVersion: mlplane.dev/v1alpha1
kind: TrainingRun
metadata: {name: digits-1}
spec:
  model: digits
  dataset: {name: digits}
  code:
    git: {url: "https://git.example.com/d.git", path: train, commit: abcdefabcdefabcdefabcdefabcdefabcdefabcd}
  entrypoint: train.py
  gpus: 1
  evaluation:
    split: test
    label: label
    gates: [{metric: accuracy, min: "0.95"}]
"""
PROFILE = Profile.model_validate({"pools": [{"name": "h", "gpuType": "h100", "gpusPerNode": 4}]})


@pytest.fixture
def errors(tmp_path: Path):
    def of(text: str, profile: Profile | None = PROFILE) -> list[str]:
        file = tmp_path / "run.yaml"
        file.write_text(text)
        found = [finding for finding in validate([file], profile) if finding.severity == "error"]
        return [str(finding).removeprefix(str(file)) for finding in found]

    return of


def test_a_manifest_that_asks_for_a_gpu_has_at_most_fifteen_lines(errors):
    assert errors(MINIMAL) == []
    assert len(MINIMAL.splitlines()) <= 15


def test_too_many_gpus_are_said_at_their_place(errors):
    [error] = errors(MINIMAL.replace("gpus: 1", "gpus: 8"))
    assert error.startswith(":10:9: spec.gpus: asks for 8 GPUs, the largest pool has 4 on a node")
    assert errors(MINIMAL.replace("gpus: 1", "gpus: 8"), None) == [], "without a profile nothing is known"


def test_an_unknown_type_is_said_with_those_that_there_are(errors):
    [error] = errors(MINIMAL.replace("  gpus: 1", "  gpus: 1\n  gpuType: h10"))
    assert error.startswith(":11:12: spec.gpuType: asks for 1 x h10, and no pool has that type")
    assert error.endswith("allowed: h100; try: h100")
