"""The life of a run on a plane: suspended and resumed, waited for, forgotten, found again in the store."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from plane import Plane, eventually, git, left_of, running

pytestmark = pytest.mark.timeout(600)
EPOCHS = 30
LOOP = "    for epoch in range(kept.done, params.epochs):\n"
TELLING = """        with open({epochs!r}, "a") as told:
            told.write(f"{{epoch}} ")
        if __import__("os").path.exists({slow!r}):
            __import__("time").sleep(0.3)
"""


@dataclass(frozen=True)
class Training:
    """A training script that tells each epoch that it begins, and is slow for as long as a file exists."""

    epochs: Path
    slow: Path

    def begun(self) -> list[int]:
        return [int(epoch) for epoch in self.epochs.read_text().split()] if self.epochs.exists() else []


@pytest.fixture
def training(tmp_path: Path, repository: Path, plane: Plane) -> Training:
    made = Training(tmp_path / "epochs", tmp_path / "slow")
    script = repository / "train" / "train.py"
    telling = TELLING.format(epochs=str(made.epochs), slow=str(made.slow))
    script.write_text(script.read_text().replace(LOOP, LOOP + telling))
    git(repository, plane.home, "commit", "-am", "Tell each epoch")
    plane.mlplane("lock", str(repository), "--commit")
    made.slow.touch()
    return made


def run_of(repository: Path, name: str, **changes: Any) -> str:
    """The manifest of the repository's run under another name."""
    document = yaml.safe_load((repository / "dev" / "trainingrun.yaml").read_text())
    document["metadata"]["name"] = name
    document["spec"] |= changes
    return yaml.safe_dump(document)


def artifact_of(plane: Plane, run: str) -> str:
    """Digest of the model that a run has made."""
    version = plane.object("trainingrun", run)["status"]["modelVersion"]
    return plane.object("modelversion", version)["spec"]["artifact"]["digest"]


def steps_of(plane: Plane, workflow: str) -> list[str]:
    """The steps of a Workflow that had a pod."""
    nodes = plane.object("workflow", workflow)["status"]["nodes"].values()
    return sorted(node["templateName"] for node in nodes if node["type"] == "Pod")


def reason_of(plane: Plane, run: str) -> str:
    return plane.condition("run", run, "Ready").get("reason", "")


def patch(plane: Plane, run: str, **spec: Any) -> None:
    plane.kubectl("patch", "trainingrun", run, "--type", "merge", "-p", yaml.safe_dump({"spec": spec}))


def apply(plane: Plane, repository: Path, *runs: str) -> None:
    plane.kubectl("apply", "-f", str(repository / "dev" / "dataset.yaml"))
    for run in runs:
        plane.kubectl("apply", "-f", "-", stdin=run)


def elsewhere(plane: Plane, repository: Path, folder: Path) -> tuple[Plane, Path]:
    """Another machine: an empty plane with the store of the first, and a clone of the repository."""
    home, state, clone = folder / "home", folder / "state", folder / "clone"
    home.mkdir(parents=True)
    git(repository, plane.home, "clone", str(repository), str(clone))
    url = git(repository, plane.home, "remote", "get-url", "origin")
    git(clone, plane.home, "remote", "set-url", "origin", url)
    state.mkdir()
    shutil.move(plane.state / "store", state / "store")
    return Plane(state, home, ("--repo", str(clone), "--path", "none", "--revision", "main")), clone


def suspend_in_the_middle(plane: Plane, training: Training) -> int:
    """Suspend the run while it trains; the number of its finished epochs."""
    eventually(lambda: len(training.begun()) > 4, "it trains", 150)
    eventually(lambda: "estimatedCompletion" in plane.object("run", "digits-1")["status"], "an estimate")
    live = plane.mlplane("metrics", "digits-1").stdout.splitlines()
    assert [json.loads(point)["step"] for point in live] == [*range(1, len(live) + 1)] != []
    patch(plane, "digits-1", suspend=True)
    plane.wait_for("run", "digits-1", "Suspended")
    assert [line for line in left_of(plane.state) if "train.py" in line] == []
    status = plane.object("run", "digits-1")["status"]
    assert {c["type"]: c["status"] for c in status["conditions"]} == {"Ready": "False", "Suspended": "True"}
    assert "estimatedCompletion" not in status
    assert len(training.begun()) < EPOCHS
    return len(training.begun())


def test_a_run_is_suspended_waited_for_forgotten_and_found_again(
    plane: Plane, repository: Path, training: Training, tmp_path: Path
):
    with running(plane):
        apply(plane, repository, run_of(repository, "digits-1"))
        before = suspend_in_the_middle(plane, training)
        patch(plane, "digits-1", suspend=None)
        eventually(lambda: len(training.begun()) > before, "it goes on", 150)
        apply(plane, repository, run_of(repository, "digits-2", ttlSecondsAfterFinished=0))
        eventually(
            lambda: plane.condition("run", "digits-2", "Ready").get("reason") == "DuplicateOf", "waits"
        )
        assert 'TrainingRun "digits-1"' in plane.condition("run", "digits-2", "Ready")["message"]
        training.slow.unlink()

        plane.wait_for("run", "digits-1", "Complete")
        assert training.begun() == [*range(EPOCHS)], "each epoch is done once"
        assert plane.object("run", "digits-1")["status"]["attempt"] == 2
        curve = plane.mlplane("metrics", "digits-1").stdout.splitlines()
        assert [json.loads(point)["step"] for point in curve] == [*range(1, EPOCHS + 1)]
        plane.wait_for("run", "digits-2", "Complete")
        eventually(lambda: not plane.object("workflow", "digits-2-1"), "its Workflow is deleted", 60)
        assert plane.condition("run", "digits-2", "Complete")["status"] == "True"
        first, second = (plane.object("run", name)["status"] for name in ("digits-1", "digits-2"))
        assert first["runKey"] == second["runKey"]
        assert len(training.begun()) == EPOCHS, "the second run trained nothing"

        apply(plane, repository, run_of(repository, "digits-3", rerun="again"))
        plane.wait_for("run", "digits-3", "Complete")
        assert training.begun() == [*range(EPOCHS)] * 2, "the uninterrupted one"
        model = artifact_of(plane, "digits-3")
        assert artifact_of(plane, "digits-1") == model, "the same bytes"
        assert not plane.object("workflow", "digits-2-2"), "a finished run stays finished"

    there, clone = elsewhere(plane, repository, tmp_path / "elsewhere")
    with running(there):
        apply(there, clone, run_of(clone, "digits-1"))
        there.wait_for("run", "digits-1", "Complete")
        assert there.object("run", "digits-1")["status"]["runKey"] == first["runKey"]
        assert artifact_of(there, "digits-1") == model
        assert steps_of(there, "digits-1-1") == ["evaluate", "preflight", "publish"]
    assert len(training.begun()) == 2 * EPOCHS, "nothing was trained there"
