"""Really exported models, judged by plans of every kind."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import torch

from mlplane.errors import InvalidInput, Terminal
from mlplane.steps.evaluate import evaluate
from mlplane.steps.trainingmetrics import keep_metrics
from mlplane.steps.workspace import Workspace
from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in
from mlplane.tasks import IngestResult, JudgeTask
from mlplane.training.export import save_to

KEY = "sha256:" + "a" * 64
ROWS = 2000


class Threshold(torch.nn.Module):
    """Class 1 where its input is above one half."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.tensor([[-2.0, 2.0]]))

    def forward(self, value):
        return (value.reshape(-1, 1) - 0.5) * self.weight


class Doubled(torch.nn.Module):
    """A number: twice its input."""

    def forward(self, value):
        return value * 2


def records():
    """``usual`` is right in four of five; ``newer`` in 19 of 20, but in Austria it guesses."""
    random = Random(7)
    for index in range(ROWS):
        label, austria = int(random.random() < 0.4), random.random() < 0.15
        usual = label if random.random() < 0.8 else 1 - label
        newer = label if random.random() < (0.5 if austria else 0.95) else 1 - label
        price = random.randrange(40) / 4
        cost, country = price * 2 + random.gauss(0, 1), "AT" if austria else "DE"
        yield f"{usual},{newer},{price},{cost},{country},{index},{label}"


COLUMNS = [
    *({"name": name, "type": "Number"} for name in ("usual", "newer", "price", "cost")),
    {"name": "country", "type": "String"},
    *({"name": name, "type": "Integer"} for name in ("index", "label")),
]


@dataclass(frozen=True)
class Court:
    """A dataset version and models in a store, which plans are tried on."""

    root: Path
    store: Path
    version: IngestResult
    models: dict[str, str]

    def task(self, model, **more):
        """A plan, by default with one gate on accuracy; ``baseline`` names a model."""
        outside = {name: more.pop(name) for name in ("code", "trainedOn") if name in more}
        if baseline := more.pop("baseline", None):
            version = {"name": f"{baseline}-1", "digest": self.models[baseline]}
            outside["baseline"] = {"version": version, "model": baseline}
        plan = {"split": "test", "label": "label", "gates": [{"metric": "accuracy", "min": "0.7"}]} | more
        return JudgeTask.model_validate(
            {
                "model": model,
                "dataset": {"name": "digits", "digest": self.version.digest},
                "splits": [split.to_body() for split in self.version.splits],
                "plan": plan,
            }
            | outside
        )

    def judge(self, model, key="", **more):
        """Judge a model; returns the outcome and the report."""
        task = self.task(model, **more).model_dump_json(by_alias=True, exclude_none=True)
        work = Path(tempfile.mkdtemp(dir=self.root))
        evaluate(Workspace(work, Store(f"file://{self.store}"), task), self.models[model], key)
        recorded = json.loads((work / "out/recorded").read_text())
        assert digest_in(recorded["report"]) == (work / "out/report").read_text()
        report = self.store / recorded["report"].removeprefix("store://") / "report.json"
        return recorded, json.loads(report.read_text())


@pytest.fixture(scope="module")
def settled(lasting_bench, tmp_path_factory):
    """A dataset version, and three models that are as good as the column that they read."""
    bench = lasting_bench
    bench.write_data("".join(f"{record}\n" for record in records()))
    bench.dataset["columns"] = COLUMNS
    bench.dataset["splits"] = [{"name": "train", "percent": 10}, {"name": "test", "percent": 90}]
    bench.commit()
    models = {}
    for name, module, column in (
        ("usual", Threshold(), "usual"),
        ("newer", Threshold(), "newer"),
        ("double", Doubled(), "price"),
    ):
        folder = tmp_path_factory.mktemp(name)
        save_to(folder, module, {column: torch.tensor([0.0, 1.0, 2.0])}, ["scores"])
        models[name] = digest_in(Store(f"file://{bench.store}").put(folder, "models", name))
    return bench, bench.ingested(), models


@pytest.fixture
def court(settled, tmp_path):
    bench, version, models = settled
    return Court(tmp_path, bench.store, version, models)


AUSTRIA = {"name": "austria", "column": "country", "values": ["AT"]}


def test_a_model_that_is_better_overall_but_worse_on_a_slice_is_rejected_with_numbers(court):
    gates = [
        {"metric": "accuracy", "minChange": "0.02"},
        {"metric": "accuracy", "slice": "austria", "minChange": "-0.05"},
        {"metric": "accuracy", "slice": "austria", "min": "0.9", "severity": "Warning"},
    ]
    recorded, report = court.judge("newer", baseline="usual", slices=[AUSTRIA], gates=gates)
    overall, austria, warning = recorded["results"]
    assert recorded["verdict"] == "Failed"
    assert (overall["verdict"], austria["verdict"], warning["verdict"]) == ("Passed", "Failed", "Failed")
    assert overall["rows"] == recorded["rows"] == report["rows"] > 5 * austria["rows"] > 200
    assert float(overall["value"]) - float(overall["baseline"]) > 0.02
    assert float(austria["baseline"]) == pytest.approx(0.8, abs=0.1)
    assert float(austria["value"]) == pytest.approx(0.5, abs=0.1)
    assert float(austria["interval"]["low"]) < float(austria["value"]) < float(austria["interval"]["high"])
    change = report["slices"][0]["metrics"]["accuracy"]["changeInterval"]
    assert change[0] < float(austria["value"]) - float(austria["baseline"]) < change[1] < 0
    assert report["baseline"] == {
        "version": {"name": "usual-1", "digest": court.models["usual"]},
        "model": "usual",
    }


def test_without_a_baseline_a_gate_on_a_change_passes_and_shows_none(court):
    recorded, report = court.judge("newer", gates=[{"metric": "accuracy", "minChange": "0.02"}])
    assert recorded["verdict"] == "Passed"
    assert "baseline" not in recorded["results"][0]
    assert "baseline" not in report


def test_ten_records_are_inconclusive_however_good_the_model_is(court):
    few = {"name": "few", "column": "index", "below": "11"}
    gates = [{"metric": "accuracy", "slice": "few", "min": "0"}, {"metric": "accuracy", "min": "0"}]
    recorded, _ = court.judge("newer", slices=[few], gates=gates)
    assert recorded["verdict"] == "Inconclusive"
    few_result, all_result = recorded["results"]
    assert few_result["verdict"] == "Inconclusive"
    assert few_result["reason"] == f"{few_result['rows']} records are fewer than minSamples, 30"
    assert all_result["verdict"] == "Passed"
    recorded, _ = court.judge("newer", minSamples=100_000)
    assert (recorded["verdict"], recorded["results"][0]["value"]) == ("Inconclusive", all_result["value"])


def test_an_empty_slice_and_one_of_one_class_are_inconclusive(court):
    parts = [
        {"name": "nowhere", "column": "country", "values": ["XX"]},
        {"name": "positive", "column": "label", "values": ["1"]},
    ]
    gates = [
        {"metric": "accuracy", "slice": "nowhere", "min": "0"},
        {"metric": "roc_auc", "slice": "positive", "min": "0"},
    ]
    recorded, report = court.judge("newer", slices=parts, gates=gates)
    nowhere, positive = recorded["results"]
    assert (nowhere["rows"], nowhere["verdict"]) == (0, "Inconclusive")
    assert positive["reason"] == "the metric is not defined on these records"
    assert "value" not in report["slices"][1]["metrics"]["roc_auc"]


def test_numbers_are_judged_by_how_far_they_are_off(court):
    gates = [{"metric": "rmse", "max": "1.2"}, {"metric": "r2", "min": "0.9"}]
    recorded, report = court.judge("double", task="Regression", label="cost", gates=gates)
    rmse, r2 = recorded["results"]
    assert (recorded["verdict"], report["task"]) == ("Passed", "Regression")
    assert float(rmse["value"]) == pytest.approx(1, abs=0.1)
    assert float(r2["interval"]["low"]) > 0.9
    assert sum(report["plots"]["residuals"]["rows"]) == recorded["rows"]
    assert "classes" not in report


def test_a_report_is_the_same_each_time_and_holds_what_a_card_is_drawn_from(court):
    recorded, report = court.judge("usual")
    again, _ = court.judge("usual")
    assert again == recorded
    assert report["version"] == 2
    assert report["model"] == {"name": "usual", "digest": court.models["usual"]}
    assert report["split"] == {"name": "test", "digest": court.version.splits[1].digest}
    assert (report["task"], report["classes"], report["minSamples"]) == ("Classification", 2, 30)
    plots = report["plots"]
    assert (
        sum(map(sum, plots["confusion"]))
        == sum(bin_["rows"] for bin_ in plots["calibration"])
        == report["rows"]
    )
    right = plots["confusion"][0][0] + plots["confusion"][1][1]
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(right / report["rows"], rel=1e-5)
    [roc] = plots["roc"]
    assert (roc["falsePositiveRate"][0], roc["truePositiveRate"][-1]) == (0, 1)
    assert len(plots["precisionRecall"][0]["recall"]) <= 200


def test_the_curves_of_the_training_are_in_the_report_and_change_no_number(court, tmp_path):
    lines = [{"metrics": {"loss": 1 / step}, "step": step} for step in range(1, 1001)]
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"metrics": 5}\n[broken')
    keep_metrics(Store(f"file://{court.store}"), KEY, file)
    with_curves, report = court.judge("usual", key=KEY)
    without, _ = court.judge("usual")
    [loss] = report["training"]
    assert (loss["metric"], loss["steps"][0], loss["values"][0], loss["steps"][-1]) == ("loss", 1, 1, 1000)
    assert len(loss["steps"]) == len(loss["values"]) == 200
    assert with_curves["results"] == without["results"]


def test_a_model_that_was_trained_on_the_split_is_refused(court):
    split = court.version.splits[1]
    with pytest.raises(
        InvalidInput, match=f"leakage: the model was trained on split 'test' .*{split.digest}"
    ):
        court.judge("newer", trainedOn=[split.digest])


EVALUATOR = """
import os, sys
import helper

def evaluate(rows, predictions):
    wrong = predictions.argmax(axis=1) != rows["label"]
    print("seen", len(wrong), sorted(rows), sorted(set(rows["country"])), sorted(os.environ), flush=True)
    return {"cost": helper.PRICE * wrong.mean(), "rows_seen": len(wrong)}
"""


def committed(bench, text, **files):
    """Code with this evaluator, as a task names it."""
    for name, content in {"judge.py": text, **files}.items():
        (bench.repo / "train" / name).write_text(content)
    bench.commit()
    return bench.run["code"]


@pytest.fixture
def git_config(settled, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settled[0].root / "gitconfig"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-evaluators")


@pytest.mark.usefixtures("git_config")
def test_an_evaluator_judges_all_records_each_slice_and_the_baseline(court, settled, capfd):
    code = committed(settled[0], EVALUATOR, **{"helper.py": "PRICE = 100\n"})
    gates = [
        {"metric": "cost", "max": "15"},
        {"metric": "cost", "slice": "austria", "maxChange": "5"},
        {"metric": "accuracy", "min": "0.7"},
    ]
    plan = {"evaluator": "judge.py", "slices": [AUSTRIA], "gates": gates}
    recorded, report = court.judge("newer", code=code, baseline="usual", **plan)
    cost, austria, accuracy = recorded["results"]
    assert (cost["verdict"], austria["verdict"]) == ("Passed", "Failed")
    assert float(cost["value"]) == pytest.approx(100 - 100 * float(accuracy["value"]), abs=0.02)
    assert float(austria["value"]) - float(austria["baseline"]) > 5
    assert report["slices"][0]["metrics"]["rows_seen"]["value"] == austria["rows"]
    assert len(report["evaluator"]["tree"]) == 40
    seen = [line for line in capfd.readouterr().out.splitlines() if line.startswith("seen")]
    assert len(seen) == 4
    assert "['cost', 'country', 'index', 'label', 'newer', 'price', 'usual'] ['AT', 'DE']" in seen[0]
    assert "['AT'] [" in seen[1]
    assert not any(word in seen[0] for word in ("AWS", "GIT", "MLPLANE_STORE", "MLPLANE_TASK"))


ITS_OWN_ANSWER = (
    "import json, os, sys; out = json.load(open(sys.argv[1]))['output']; "
    "open(out, 'w').write('[[]]'); os._exit(0)"
)


@pytest.mark.usefixtures("git_config")
@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (
            "return {'cost': float('nan')}",
            InvalidInput,
            "gave, on all records, nan as 'cost'; it must be a finite",
        ),
        ("return {'cost': '0.5'}", InvalidInput, "on all records, a str as 'cost'; it must be a number"),
        ("return {'cost': 10**400}", InvalidInput, "inf as 'cost'; it must be a finite number"),
        ("return {'price': 1}", InvalidInput, "the gate on 'cost' names no metric .*log_loss, price"),
        ("return 5", Terminal, "evaluator judge.py failed with exit code 1; its last lines say why"),
        ("import os; os._exit(0)", Terminal, "evaluator judge.py ended without an answer"),
        (ITS_OWN_ANSWER, Terminal, "evaluator judge.py ended without an answer"),
    ],
)
def test_an_evaluator_that_gives_no_numbers_is_told(court, settled, body, error, message):
    code = committed(settled[0], f"def evaluate(rows, predictions):\n    {body}\n")
    with pytest.raises(error, match=message):
        court.judge("newer", code=code, evaluator="judge.py", gates=[{"metric": "cost", "max": "1"}])


@pytest.mark.usefixtures("git_config")
def test_a_metric_that_is_left_out_on_a_slice_is_not_defined_there(court, settled):
    code = committed(
        settled[0],
        "def evaluate(rows, predictions):\n    return {'big': 1} if len(predictions) > 500 else {}\n",
    )
    gates = [{"metric": "big", "min": "1"}, {"metric": "big", "slice": "austria", "min": "1"}]
    recorded, _ = court.judge("newer", code=code, evaluator="judge.py", slices=[AUSTRIA], gates=gates)
    assert [result["verdict"] for result in recorded["results"]] == ["Passed", "Inconclusive"]
    assert recorded["verdict"] == "Inconclusive"


def test_an_evaluator_without_code_is_told(court):
    with pytest.raises(
        InvalidInput, match=r"evaluator judge\.py is a file of the code, but no code is named"
    ):
        court.judge("newer", evaluator="judge.py")
