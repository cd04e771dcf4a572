"""A repository of manifests of about 1 kB each, of every kind, pinned to commits of its own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

URL = "https://git.example.com/team/bench.git"
COMMITS = 20
"""Different commits that sources are pinned to."""
KINDS = ("Dataset", "TrainingRun", "ModelVersion", "Evaluation", "ModelServer")


def write(root: Path, count: int) -> int:
    """Make the repository; returns the number of bytes of its manifests.

    Args:
        root: An empty folder.
        count: Number of manifests, the kinds by turns.
    """
    commits = list(_commits(root))
    folder = root / "dev"
    folder.mkdir()
    size = 0
    for number in range(count):
        body = _body(KINDS[number % len(KINDS)], number // len(KINDS), commits)
        text = _padded(yaml.dump(body, Dumper=yaml.CSafeDumper, sort_keys=False))
        (folder / f"{body['kind'].lower()}-{number}.yaml").write_text(text)
        size += len(text)
    return size


def _commits(root: Path) -> Iterator[str]:
    """Commits with one training script each; all of them stand for what the path is now."""
    git = ["git", "-C", str(root), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]

    def run(*arguments: str) -> str:
        return subprocess.run([*git, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    run("remote", "add", "origin", URL)
    for number in range(COMMITS):
        script = root / f"train{number}" / "train.py"
        script.parent.mkdir()
        script.write_text(f"print({number})\n")
        run("add", "-A")
        run("commit", "--quiet", "--message", f"script {number}")
        yield run("rev-parse", "HEAD")


def _body(kind: str, number: int, commits: list[str]) -> dict[str, Any]:
    spec = _SPECS[kind](number)
    if "git" in (source := spec.get("source") or spec.get("code") or {}):
        at = number % COMMITS
        source["git"] |= {"path": f"train{at}", "commit": commits[at]}
    name = _version(number) if kind == "ModelVersion" else f"{kind.lower()}-{number}"
    return {"apiVersion": "mlplane.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _padded(text: str) -> str:
    """The text with notes up to 1 kB, as people write them."""
    return text + "# why this is as it is, and who to ask about it\n" * max(0, -(-(1000 - len(text)) // 48))


def _version(number: int) -> str:
    return f"model-{number:08x}"


def _digest(number: int) -> str:
    return f"sha256:{number:064x}"


def _pin(number: int) -> dict[str, str]:
    return {"name": _version(number), "digest": _digest(number)}


def _dataset(number: int) -> dict[str, Any]:
    share = number % 40
    columns = [{"name": f"column_{n}", "type": "Number", "minimum": "0"} for n in range(8)]
    checks = [{"name": f"known-{n}", "column": f"column_{n}", "range": {"min": "1"}} for n in range(4)]
    return {
        "source": {"git": {"url": URL}},
        "format": "CSV",
        "header": "Present",
        "columns": [*columns, {"name": "label", "type": "Integer"}],
        "checks": checks,
        "splits": [{"name": "train", "percent": 50 + share}, {"name": "test", "percent": 50 - share}],
    }


def _run(number: int) -> dict[str, Any]:
    return {
        "model": "model",
        "dataset": {"name": f"dataset-{number}"},
        "code": {"git": {"url": URL}},
        "entrypoint": "train.py",
        "params": {f"parameter_{n}": f"value {n}" for n in range(12)},
        "seed": number,
        "evaluation": {
            "split": "test",
            "label": "label",
            "slices": [{"name": "small", "column": "column_1", "below": "13"}],
            "gates": [
                {"metric": "accuracy", "min": "0.95"},
                {"metric": "accuracy", "slice": "small", "min": "0.9"},
            ],
        },
    }


def _model_version(number: int) -> dict[str, Any]:
    tensors = [{"name": "x", "datatype": "FP32", "shape": [-1, 64]}]
    return {
        "model": "model",
        "artifact": {
            "uri": f"store://models/model/sha256-{number:064x}",
            "digest": _digest(number),
        },
        "signature": {"inputs": tensors, "outputs": tensors},
        "lineage": {
            "run": {"name": f"trainingrun-{number}", "key": _digest(number)},
            "dataset": {"name": f"dataset-{number}", "digest": _digest(number)},
            "code": {
                "url": URL,
                "path": "train",
                "commit": "0" * 39 + "1",
                "tree": "0" * 40,
                "entrypoint": "a.py",
            },
            "image": "ghcr.io/mlplane/runtime:0.1.0",
            "params": {"epochs": 30, "lr": "0.003"},
            "seed": number,
        },
    }


def _evaluation(number: int) -> dict[str, Any]:
    gate = {"metric": "accuracy", "min": "0.95"}
    result = {"gate": gate, "verdict": "Passed", "rows": 354, "value": "0.9802"}
    return {
        "modelVersion": _pin(number),
        "dataset": {"name": f"dataset-{number}", "digest": _digest(number)},
        "split": "test",
        "recorded": {
            "verdict": "Passed",
            "rows": 354,
            "results": [result] * 3,
            "report": f"store://reports/model/sha256-{number:064x}",
        },
    }


def _server(number: int) -> dict[str, Any]:
    return {"modelVersion": _pin(number)}


_SPECS = {
    "Dataset": _dataset,
    "TrainingRun": _run,
    "ModelVersion": _model_version,
    "Evaluation": _evaluation,
    "ModelServer": _server,
}
