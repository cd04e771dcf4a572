"""A sweep of eight, two at a time, whose plane is killed in the middle: eight results, none made twice."""

import json
from collections import Counter
from pathlib import Path

import psutil
import pytest
import torch
import yaml

from mlplane.training.export import save_to
from plane import Plane, edit, eventually, git, left_of, running

pytestmark = pytest.mark.timeout(400)
WIDTHS = list(range(8))
BEST = 5
SCRIPT = """
import json, os, shutil, time
from pathlib import Path
from mlplane import training

width = training.params(width=-1).width
context = json.loads(Path(os.environ["MLPLANE_RUN"]).read_text())

def note(what):
    with open({ledger!r}, "a") as ledger:
        ledger.write(f"{{width}} {{what}}\\n")

note("begins")
for epoch in range(3):
    while epoch == 1 and width in (2, 3) and not os.path.exists({released!r}):
        time.sleep(0.05)
    training.metrics(step=epoch, loss=abs(width - {best}) + 1 / (epoch + 1))
shutil.copytree({model!r}, context["output"], dirs_exist_ok=True)
note("ends")
"""


class Ledger:
    """What the trials of the sweep have noted, in its order; two of them wait until they are released."""

    def __init__(self, folder: Path) -> None:
        self.file, self.released = folder / "ledger", folder / "released"

    def notes(self) -> list[tuple[int, str]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [(int(line.split()[0]), line.split()[1]) for line in lines]

    def count(self, what: str) -> Counter[int]:
        """How often each trial did so."""
        return Counter(width for width, done in self.notes() if done == what)


@pytest.fixture
def ledger(tmp_path: Path, repository: Path, plane: Plane) -> Ledger:
    """The repository's run is a sweep; its script notes what it does, and saves a model that is there."""
    made = Ledger(tmp_path)
    model = tmp_path / "model"
    save_to(model, torch.nn.Linear(64, 10), {"pixels": torch.zeros(4, 64)}, ["scores"])
    names = {"ledger": str(made.file), "released": str(made.released), "model": str(model), "best": BEST}
    (repository / "train" / "train.py").write_text(SCRIPT.format(**names))
    edit(
        repository / "dev" / "trainingrun.yaml",
        spec__params={},
        spec__evaluation__gates=[{"metric": "accuracy", "min": "0"}],
        spec__sweep={
            "method": "Grid",
            "parameters": [{"name": "width", "values": WIDTHS}],
            "parallelism": 2,
            "objective": {"metric": "loss", "goal": "Minimize"},
        },
    )
    git(repository, plane.home, "commit", "-am", "Sweep")
    plane.mlplane("lock", str(repository), "--commit")
    return made


def at_once(notes: list[tuple[int, str]]) -> int:
    """Most trials that trained at the same time."""
    active, most = set(), 0
    for width, what in notes:
        (active.add if what == "begins" else active.discard)(width)
        most = max(most, len(active))
    return most


def kill_all(plane: Plane) -> None:
    """As if the power had gone: the plane, its pods, whatever belongs to it."""
    victims = [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if any(
            str(plane.state) in text for text in (*(process.info["cmdline"] or ()), *environment_of(process))
        )
    ]
    for process in victims:
        process.kill()
    assert plane.process is not None
    plane.process.wait()
    psutil.wait_procs(victims, timeout=30)
    assert left_of(plane.state) == []


def environment_of(process: psutil.Process) -> list[str]:
    return list((process.info["environ"] or {}).values())


def nodes_of(plane: Plane, workflow: str, template: str) -> list[str]:
    """Types of the nodes of a template."""
    nodes = plane.object("workflow", workflow).get("status", {}).get("nodes", {}).values()
    return [node["type"] for node in nodes if node.get("templateName") == template]


def test_eight_trials_two_at_a_time_survive_the_plane(plane: Plane, repository: Path, ledger: Ledger):
    with running(plane):
        for name in ("dataset", "trainingrun"):
            plane.kubectl("apply", "-f", str(repository / "dev" / f"{name}.yaml"))
        eventually(lambda: ledger.count("begins")[2] and ledger.count("begins")[3], "two trials wait")
        before = ledger.notes()
        kill_all(plane)
    ledger.released.touch()

    with running(plane):
        plane.wait_for("trainingrun", "digits-1", "Complete")
        notes = ledger.notes()
        assert ledger.count("ends") == Counter(WIDTHS), "each has finished once"
        assert ledger.count("begins") == Counter([*WIDTHS, 2, 3]), "those that were killed began again"
        assert max(at_once(before), at_once(notes[len(before) :])) == 2
        assert {width for width, what in before if what == "ends"} == {0, 1}
        results = list((plane.state / "store" / "runs").glob("*/result.json"))
        assert len(results) == 8

        status = plane.object("trainingrun", "digits-1")["status"]
        assert status["bestTrial"] == BEST + 1
        assert [(t["params"]["width"], t["state"]) for t in status["trials"]] == [
            (str(width), "Succeeded") for width in WIDTHS
        ]
        scores = [float(trial["score"]) for trial in status["trials"]]
        assert scores == pytest.approx([abs(width - BEST) + 1 / 3 for width in WIDTHS])
        version = plane.object("modelversion", status["modelVersion"])["spec"]["lineage"]
        assert version["params"] == {"width": str(BEST)}
        assert len(plane.objects("modelversions")) == 1

        found_in_the_store(plane, repository, status["trials"][1])
        assert ledger.notes() == notes, "what was trained is not trained again"


def found_in_the_store(plane: Plane, repository: Path, trial: dict) -> None:
    """A plain run with the parameters of a trial."""
    run = yaml.safe_load((repository / "dev" / "trainingrun.yaml").read_text())
    del run["spec"]["sweep"]
    run["metadata"]["name"] = "plain"
    run["spec"]["params"] = trial["params"]
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(run))
    eventually(lambda: nodes_of(plane, "plain-1", "train"), "it is decided whether it trains")
    assert nodes_of(plane, "plain-1", "train") == ["Skipped"]
    eventually(
        lambda: plane.object("trainingrun", "plain")["status"].get("runKey") == trial["runKey"],
        "it is the same work",
    )
