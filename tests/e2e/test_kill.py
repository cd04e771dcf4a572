"""``kill -9`` in the middle of training, and on: one Workflow, one training process, one result."""

from pathlib import Path

import psutil
import pytest

from plane import Plane, edit, eventually, git, running

pytestmark = pytest.mark.timeout(400)
LONG = 120
"""Epochs that keep the training step busy for some seconds."""


@pytest.fixture
def slow_repository(repository: Path, home: Path) -> Path:
    """Training that takes long enough to be killed in its middle."""
    edit(repository / "dev" / "trainingrun.yaml", spec__params__epochs=LONG)
    git(repository, home, "commit", "-am", "Train longer")
    return repository


def wait_until_training(plane: Plane) -> str:
    """Uid of the Workflow, once its training step runs."""
    eventually(lambda: plane.step_is_running("digits-1", "train"), "the training step runs", 90)
    return plane.object("workflow", "digits-1-1")["metadata"]["uid"]


def assert_ran_once(plane: Plane, uid: str) -> None:
    """The run completed in the Workflow that it had, and the script ran once."""
    plane.wait_for("trainingrun", "digits-1", "Complete")
    runs = [w for w in plane.objects("workflows") if w["metadata"]["name"].startswith("digits-1")]
    assert [w["metadata"]["uid"] for w in runs] == [uid]
    trained = [
        n for n in runs[0]["status"]["nodes"].values() if n["type"] == "Pod" and n["templateName"] == "train"
    ]
    assert [n["phase"] for n in trained] == ["Succeeded"]
    log = plane.mlplane("logs", "digits-1", "--step", "train").stdout
    assert log.count('"metrics"') == LONG  # a second start would have gone on in the same log
    assert len(plane.objects("modelversions")) == 1
    plane.wait_for("modelserver", "digits", "Ready")


@pytest.mark.parametrize("part", ["apiserver", "controller", "engines"])
def test_a_part_is_killed_while_training(part, gitops_plane: Plane, slow_repository: Path):
    with running(gitops_plane) as plane:
        uid = wait_until_training(plane)
        victim = plane.parts()[part]
        victim.kill()
        eventually(
            lambda: (found := plane.parts().get(part)) is not None and found.pid != victim.pid,
            f"the supervisor starts the {part} again",
        )
        assert_ran_once(plane, uid)


def test_all_parts_are_killed_at_once_while_training(gitops_plane: Plane, slow_repository: Path):
    with running(gitops_plane) as plane:
        uid = wait_until_training(plane)
        for process in plane.parts().values():
            process.kill()
        assert_ran_once(plane, uid)


def test_the_supervisor_and_all_parts_are_killed_and_the_plane_is_started_again(
    gitops_plane: Plane, slow_repository: Path
):
    plane = gitops_plane
    plane.start()
    uid = wait_until_training(plane)
    assert plane.process is not None
    supervisor = psutil.Process(plane.process.pid)
    parts = list(plane.parts().values())
    for process in (supervisor, *parts):
        process.kill()
    plane.process.wait()
    with running(plane):
        assert_ran_once(plane, uid)


def test_a_plane_that_was_stopped_while_training_goes_on(gitops_plane: Plane, slow_repository: Path):
    """A stop ends the training process too; the step is started again, in the same Workflow."""
    plane = gitops_plane
    with running(plane):
        uid = wait_until_training(plane)
    with running(plane):
        plane.wait_for("trainingrun", "digits-1", "Complete")
        runs = [w for w in plane.objects("workflows") if w["metadata"]["name"].startswith("digits-1")]
        assert [w["metadata"]["uid"] for w in runs] == [uid]
