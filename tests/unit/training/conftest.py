"""A run as ``steps.train`` announces it, and scripts run as real processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@dataclass
class Script:
    """A script that has ended."""

    code: int
    out: str
    err: str

    @property
    def messages(self) -> list[Any]:
        return [json.loads(line)["mlplane"] for line in self.out.splitlines() if line.startswith("{")]


@pytest.fixture
def run_json(tmp_path: Path) -> Path:
    """A run with one readable split of three rows."""
    data = tmp_path / "data"
    data.mkdir()
    vectors = pa.array([[1, 2], [4, 5], [7, 8]], pa.list_(pa.int64(), 2))
    table = pa.table({"v": vectors, "n": [3, 9007199254740993, 9], "x": [0.5, 1.5, 2.5]})
    pq.write_table(table, data / "train.parquet")
    document = {
        "dataset": "numbers",
        "folder": str(data),
        "columns": [
            {"name": "v", "type": "Integer", "width": 2},
            {"name": "n", "type": "Integer"},
            {"name": "x", "type": "Number"},
        ],
        "splits": {"train": 3},
        "withheld": "test",
        "params": {"epochs": "5", "lr": "1e-3", "name": "7", "fast": "true"},
        "seed": 11,
        "output": str(tmp_path / "output"),
    }
    (tmp_path / "run.json").write_text(json.dumps(document))
    return tmp_path / "run.json"


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Script]:
    """Run Python code with an environment of its own."""

    def run(code: str, **environment: str) -> Script:
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-c", code],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        return Script(done.returncode, done.stdout, done.stderr)

    return run
