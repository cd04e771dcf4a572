"""Everything is killed while a model trains: training goes on, and is done once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from plane import PARTS, Plane, eventually, git, running

pytestmark = pytest.mark.timeout(400)
LOOP = "    for epoch in range(kept.done, params.epochs):\n"
WAITING = """        if epoch == 15:
            with open({starts!r}, "a") as starts:
                starts.write("started\\n")
            while not __import__("os").path.exists({released!r}):
                __import__("time").sleep(0.05)
"""


@dataclass(frozen=True)
class Training:
    """A training script that tells when it starts, and stays in its middle until it is released."""

    starts: Path
    released: Path

    def count(self) -> int:
        """How often it was started."""
        return self.starts.read_text().count("started") if self.starts.exists() else 0


@pytest.fixture
def training(tmp_path: Path, repository: Path, gitops_plane: Plane) -> Iterator[Training]:
    made = Training(tmp_path / "starts", tmp_path / "released")
    script = repository / "train" / "train.py"
    text = script.read_text()
    assert (text.count(LOOP), text.count("checkpoints(model=")) == (1, 1)
    waiting = WAITING.format(starts=str(made.starts), released=str(made.released))
    script.write_text(text.replace(LOOP, LOOP + waiting).replace("checkpoints(", "checkpoints(0, "))
    git(repository, gitops_plane.home, "commit", "-am", "Wait in the middle")
    gitops_plane.mlplane("lock", str(repository), "--commit")
    yield made
    made.released.touch()


def wait_until_training(plane: Plane, training: Training, times: int = 1) -> str:
    """Uid of the Workflow, once its script is in its middle."""
    eventually(lambda: training.count() == times, "the training script waits in its middle", 150)
    return plane.object("workflow", "digits-1-1")["metadata"]["uid"]


def workflow_uids(plane: Plane) -> list[str]:
    """Of all Workflows of the run."""
    workflows = plane.objects("workflows")
    return [w["metadata"]["uid"] for w in workflows if w["metadata"]["name"].startswith("digits-1")]


def checkpoints(plane: Plane) -> str:
    """What the store says of the checkpoints of all runs."""
    files = (plane.state / "store" / "runs").glob("*/checkpoints.json")
    return "".join(file.read_text() for file in files)


def is_new(plane: Plane, part: str, victim: psutil.Process) -> bool:
    """Whether another process has taken the place of this one."""
    found = plane.parts().get(part)
    return found is not None and found.pid != victim.pid


def test_training_goes_on_and_is_done_once_whatever_is_killed(gitops_plane: Plane, training: Training):
    plane = gitops_plane
    plane.start()
    uid = wait_until_training(plane, training)
    for killed in (*((part,) for part in PARTS), PARTS):
        victims = plane.parts()
        for part in killed:
            victims[part].kill()
        for part in killed:
            eventually(lambda p=part, v=victims[part]: is_new(plane, p, v), f"the {part} is started again")
        eventually(lambda: workflow_uids(plane) == [uid], "the plane answers again")

    assert plane.process is not None
    for process in (psutil.Process(plane.process.pid), *plane.parts().values()):
        process.kill()
    plane.process.wait()
    with running(plane):
        training.released.touch()
        plane.wait_for("trainingrun", "digits-1", "Complete")
        assert workflow_uids(plane) == [uid]
        assert training.count() == 1
        nodes = plane.object("workflow", "digits-1-1")["status"]["nodes"].values()
        trained = [n for n in nodes if n["type"] == "Pod" and n["templateName"] == "train"]
        assert [n["phase"] for n in trained] == ["Succeeded"]
        log = plane.mlplane("logs", "digits-1", "--step", "train").stdout
        assert log.count('"metrics"') == 30  # a second start would have gone on in the same log
        assert len(plane.objects("modelversions")) == 1
        plane.wait_for("modelserver", "digits", "Ready")


def test_a_plane_that_was_stopped_while_training_goes_on(gitops_plane: Plane, training: Training):
    """A stop ends the training process too; the step goes on from its checkpoint, in the same Workflow."""
    plane = gitops_plane
    with running(plane):
        uid = wait_until_training(plane, training)
        eventually(lambda: "step-000000000015" in checkpoints(plane), "the checkpoint is stored")
    with running(plane):
        wait_until_training(plane, training, times=2)
        training.released.touch()
        plane.wait_for("trainingrun", "digits-1", "Complete")
        assert workflow_uids(plane) == [uid]
        log = plane.mlplane("logs", "digits-1", "--step", "train").stdout
        assert "goes on from checkpoint step-000000000015.pt" in log
        assert log[log.index("goes on from") :].count('"metrics"') == 15, (
            "what was finished is not done again"
        )
        assert "step-" not in checkpoints(plane), "what has a result needs no checkpoint"
