"""The steps of a sweep: each trial is the work of a run of its own, and the best is chosen by its score."""

import json
from pathlib import Path

import pytest

from mlplane.tasks import RunTask, TrainedModel

SCRIPT = """
import json, os, shutil
from pathlib import Path
from mlplane import training

params = training.params(width=1, speed=0.5)
output = json.loads(Path(os.environ["MLPLANE_RUN"]).read_text())["output"]
shutil.copytree({model!r}, output, dirs_exist_ok=True)
for step in range(3):
    training.metrics(step=step, accuracy=step / 10)
{reports}
print("trained with", params.width, params.speed)
"""
REPORTS = {
    1: "training.metrics(loss=0.1); training.metrics(loss=0.5)",
    2: "training.metrics(loss=0.1); training.metrics(loss=float('nan'))",
    3: "pass",
    4: "training.metrics(loss=0.25)",
    5: "raise SystemExit(9)",
}


@pytest.fixture
def sweep(small, trained_once):
    """Commits a script that reports this for each width, and gives the task of a sweep over the widths."""
    bench, _, _, model = trained_once
    files = small.root / "model"
    files.mkdir()
    for name in ("model.pt2", "weights.safetensors", "signature.json", "sample.json"):
        (files / name).write_bytes((bench.artifact("models", model) / name).read_bytes())

    def make(widths: list[int], reports: dict[int, str] = REPORTS, goal: str = "Minimize") -> str:
        told = [f"if params.width == {width}: {what}" for width, what in reports.items()]
        small.write_script(SCRIPT.format(model=str(files), reports="\n".join(told)))
        small.run["params"] = {"speed": "2"}
        small.run["sweep"] = {
            "method": "Grid",
            "parameters": [{"name": "width", "values": widths}],
            "objective": {"metric": "loss", "goal": goal},
        }
        small.commit()
        return small.task(small.ingested())

    return make


def results(bench) -> list[Path]:
    return list((bench.store / "runs").glob("*/result.json"))


def test_the_best_trial_is_chosen_and_what_has_no_score_says_why(small, sweep):
    task = sweep([1, 2, 3, 4, 5])
    preflight = small.step(task, "preflight")
    assert json.loads(preflight.outputs["trials"]) == [{"index": i, "cached": False} for i in range(1, 6)]
    codes = [small.step(task, "train", f"--trial={index}").code for index in range(1, 6)]
    assert codes == [0, 0, 0, 0, 1]

    chosen = small.step(task, "select", f"--keys={preflight.outputs['keys']}")
    assert chosen.code == 0, chosen.err
    keys = json.loads(preflight.outputs["keys"])
    assert json.loads(chosen.outputs["trials"]) == [
        {"index": 1, "runKey": keys[0], "state": "Succeeded", "score": "0.5"},
        {
            "index": 2,
            "runKey": keys[1],
            "state": "Succeeded",
            "message": "the last loss was no finite number",
        },
        {
            "index": 3,
            "runKey": keys[2],
            "state": "Failed",
            "message": "loss was never reported by training.metrics; reported: accuracy",
        },
        {"index": 4, "runKey": keys[3], "state": "Succeeded", "score": "0.25"},
        {"index": 5, "runKey": keys[4], "state": "Failed"},
    ]
    assert chosen.outputs["key"] == keys[3]
    assert len(results(small)) == 4, "the losers keep their results"


def test_a_trial_is_found_by_a_plain_run_and_finds_one(small, sweep):
    task = sweep([4, 1], goal="Maximize")
    assert small.step(task, "train", "--trial=2").code == 0
    preflight = small.step(task, "preflight")
    assert [trial["cached"] for trial in json.loads(preflight.outputs["trials"])] == [False, True]

    spec = RunTask.model_validate_json(task).spec.to_body()
    small.run = {**spec, "params": {"width": "1", "speed": 2}}
    del small.run["sweep"]
    plain = small.step(small.task(small.ingested()), "preflight")
    assert plain.outputs["cached"] == "true"
    [stored] = results(small)
    trained = TrainedModel.model_validate_json(stored.read_text())
    assert (plain.outputs["key"], plain.outputs["model"]) == (trained.key, trained.artifact.digest)


def test_a_sweep_that_cannot_be_meant_is_refused_by_preflight(small, sweep):
    task = json.loads(sweep([1, 2]))
    task["spec"]["sweep"]["parameters"][0]["values"] = [1, "1"]
    done = small.step(json.dumps(task), "preflight")
    assert done.code == 1
    assert "spec.sweep.parameters[0].values: '1' is there twice" in done.last_line
