"""A git repository made of the digits template, a store in a folder, and steps run as real processes."""

import copy
import gzip
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlplane.api.dataset import DatasetSpec
from mlplane.api.judgement import PinnedRef
from mlplane.api.trainingrun import TrainingRunSpec
from mlplane.tasks import IngestResult, IngestTask, RunResult, RunTask

TEMPLATE = Path(__file__).parents[3] / "examples" / "digits"
URL = "https://git.example.com/team/digits.git"
IMAGE = "ghcr.io/mlplane/runtime:test"


def git(directory: Path, *arguments: str, **extra: str) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": value
            for who in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "a"), ("EMAIL", "a@example.com"), ("DATE", "2026-01-01T00:00:00Z"))
        },
        **extra,
    }
    return subprocess.run(
        ["git", *arguments], cwd=directory, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@dataclass
class Finished:
    """A step that has ended."""

    code: int
    out: str
    err: str
    outputs: dict[str, str]
    seconds: float

    @property
    def last_line(self) -> str:
        return self.err.strip().splitlines()[-1] if self.err.strip() else ""


@dataclass
class Bench:
    """A repository, a store, and the specs of the template, which a test may change before it commits."""

    root: Path
    dataset: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)
    extra_environment: dict[str, str] = field(default_factory=dict)
    count: int = 0

    @property
    def repo(self) -> Path:
        return self.root / "repo"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def commit(self) -> None:
        """Commit the working tree, and pin everything to it."""
        git(self.repo, "add", "-A")
        git(self.repo, "commit", "-q", "--allow-empty", "-m", "a")
        head = git(self.repo, "rev-parse", "HEAD")
        for source in (self.dataset["source"], self.run["code"]):
            source["git"]["commit"] = head

    def write_data(self, text: str) -> None:
        (self.repo / "data/digits.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))

    def write_script(self, text: str) -> None:
        (self.repo / "train/train.py").write_text(text)

    def environment(self, work: Path, task: str) -> dict[str, str]:
        return {
            # As on the local plane: threads of two tests at once would wait for each other.
            "OMP_NUM_THREADS": "1",
            "PATH": os.environ["PATH"],
            "HOME": str(work / "home"),
            "MLPLANE_STORE": f"file://{self.store}",
            "MLPLANE_TASK": task,
            "MLPLANE_WORK_DIR": str(work),
            "GIT_CONFIG_GLOBAL": str(self.root / "gitconfig"),
            "AWS_SECRET_ACCESS_KEY": "not-for-scripts",
            **self.extra_environment,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mlplane.steps", *arguments]

    def new_work(self) -> Path:
        self.count += 1
        work = self.root / f"work{self.count}"
        work.mkdir()
        return work

    def step(self, task: str, *arguments: str) -> Finished:
        work = self.new_work()
        started = time.perf_counter()
        done = subprocess.run(
            self.command(*arguments),
            cwd=work,
            env=self.environment(work, task),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        seconds = time.perf_counter() - started
        outputs = {path.name: path.read_text() for path in (work / "out").glob("*")}
        return Finished(done.returncode, done.stdout, done.stderr, outputs, seconds)

    def ingest(self, name: str = "digits") -> Finished:
        task = IngestTask(name=name, spec=DatasetSpec.model_validate(self.dataset))
        return self.step(task.model_dump_json(by_alias=True, exclude_none=True), "ingest")

    def ingested(self) -> IngestResult:
        done = self.ingest()
        assert done.code == 0, done.err
        return IngestResult.model_validate_json(done.outputs["dataset"])

    def task(self, version: IngestResult) -> str:
        """The task of the run on a dataset version."""
        task = RunTask(
            spec=TrainingRunSpec.model_validate(self.run),
            dataset=PinnedRef(name="digits", digest=version.digest),
            splits=version.splits,
            image=IMAGE,
        )
        return task.model_dump_json(by_alias=True, exclude_none=True)

    def trained(self) -> tuple[str, str, str]:
        """Ingest, preflight and train; returns the task, the key and the model."""
        task = self.task(self.ingested())
        preflight = self.step(task, "preflight")
        assert preflight.code == 0, preflight.err
        train = self.step(task, "train")
        assert train.code == 0, train.err
        return task, preflight.outputs["key"], train.outputs["model"]

    def evaluate(self, task: str, key: str, model: str, cached: str = "") -> Finished:
        """Judge a model as the run's Workflow does, with the part of the task that is about it."""
        judging = RunTask.model_validate_json(task).judging.model_dump_json(by_alias=True, exclude_none=True)
        return self.step(judging, "evaluate", f"--key={key}", f"--model={model}", f"--cached-model={cached}")

    def judged(self, task: str, key: str, model: str, cached: str = "") -> RunResult:
        """Evaluate and publish."""
        models = (f"--model={model}", f"--cached-model={cached}")
        evaluate = self.evaluate(task, key, model, cached)
        assert evaluate.code == 0, evaluate.err
        report = evaluate.outputs["report"]
        publish = self.step(task, "publish", f"--key={key}", *models, f"--report={report}")
        assert publish.code == 0, publish.err
        return RunResult.model_validate_json(publish.outputs["result"])

    def artifact(self, kind: str, digest: str) -> Path:
        return self.store / kind / "digits" / digest.replace(":", "-")

    def json_in_store(self, path: str) -> Any:
        return json.loads((self.store / path).read_text())


def template(root: Path) -> Bench:
    """The template in a git repository that its https URL really leads to."""
    made = Bench(root)
    shutil.copytree(TEMPLATE, made.repo, ignore=shutil.ignore_patterns("__pycache__"))
    git(made.repo, "init", "-q", "-b", "main")
    (root / "gitconfig").write_text(f'[url "{made.repo}"]\n\tinsteadOf = {URL}\n')
    made.dataset = yaml.safe_load((made.repo / "dev/dataset.yaml").read_text())["spec"]
    made.run = yaml.safe_load((made.repo / "dev/trainingrun.yaml").read_text())["spec"]
    made.commit()
    return made


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """The digits template, committed."""
    return template(tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> Bench:
    """The template with a small dataset and a script that learns it in no time."""
    return simplified(template(tmp_path))


@pytest.fixture(scope="session")
def lasting_bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The digits template for the tests of one module, which gives it a dataset of its own."""
    return template(tmp_path_factory.mktemp("lasting"))


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, str, str, str]:
    """The small dataset with a model: bench, task, key, model. Not to be changed."""
    bench = simplified(template(tmp_path_factory.mktemp("trained")))
    return (bench, *bench.trained())


@pytest.fixture
def trained(trained_once: tuple[Bench, str, str, str], tmp_path: Path) -> tuple[Bench, str, str, str]:
    """The same in a copy of the store, for a test to change."""
    bench, *names = trained_once
    shutil.copytree(bench.root, tmp_path / "copy")
    return (replace(copy.deepcopy(bench), root=tmp_path / "copy"), *names)


def simplified(bench: Bench) -> Bench:
    """A dataset of two columns and a label that follows from the first, and a script that knows."""
    rows = [f"{i % 7},{i},{int(i % 7 > 3)}" for i in range(200)]
    bench.write_data("\n".join(rows) + "\n")
    bench.dataset["columns"] = [
        {"name": "x", "type": "Number", "width": 1},
        {"name": "index", "type": "Integer"},
        {"name": "y", "type": "Integer", "minimum": "0", "maximum": "1"},
    ]
    bench.run["evaluation"]["label"] = "y"
    bench.run["params"] = {}
    bench.write_script(SMALL_SCRIPT)
    bench.commit()
    return bench


SMALL_SCRIPT = """
import torch
from mlplane import training

class Threshold(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[-1.0, 1.0]]))
    def forward(self, x):
        return (x - 3.5) * self.weight

data = training.dataset("train").tensors()
training.save(Threshold(), sample={"x": data["x"]}, outputs=["scores"])
"""


@pytest.fixture
def git_in() -> Callable[..., str]:
    """Run git in a directory, as nobody in particular."""
    return git
