import json
import subprocess
import sys

from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in


def report_of(bench, digest):
    return json.loads((bench.artifact("reports", digest) / "report.json").read_text())


def evaluate(bench, task, model):
    return bench.step(task, "evaluate", f"--model={model}", "--cached-model=")


def test_a_perfect_model_passes_and_the_report_is_the_same_each_time(trained):
    small, task, key, model = trained
    result = small.judged(task, key, model)
    assert result.recorded.verdict == "Passed"
    assert result.recorded.results[0].value == "1.0000"
    digest = evaluate(small, task, model).outputs["report"]
    assert digest == digest_in(result.recorded.report)
    report = report_of(small, digest)
    assert report["confusion"][0][1] == report["confusion"][1][0] == 0
    assert report["rows"] == result.recorded.rows


def test_a_gate_that_fails_is_a_verdict_with_numbers_and_not_an_error(small):
    script = (small.repo / "train/train.py").read_text()
    small.write_script(script.replace("3.5", "4.5"))
    small.commit()
    task, key, model = small.trained()
    result = small.judged(task, key, model)
    gate = result.recorded.results[0]
    assert (result.recorded.verdict, gate.verdict, gate.min) == ("Failed", "Failed", "0.95")
    assert 0.5 < float(gate.value) < 0.95


def test_other_gates_judge_the_same_model_again_without_training_it(trained):
    small, _, key, model = trained
    small.run["evaluation"]["gates"] = [{"metric": "accuracy", "min": "1.1"}]
    other = small.task(small.ingested())
    again = small.step(other, "preflight")
    assert again.outputs == {"key": key, "cached": "true", "model": model}
    result = small.judged(other, key, "", cached=model)
    assert result.recorded.verdict == "Failed"
    assert result.recorded.results[0].value == "1.0000"


def test_a_changed_byte_in_a_model_is_refused_by_every_step_that_reads_it(trained):
    small, task, key, model = trained
    report = evaluate(small, task, model).outputs["report"]
    path = small.artifact("models", model) / "model.pt2"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for done in (
        evaluate(small, task, model),
        small.step(task, "publish", f"--key={key}", f"--model={model}", f"--report={report}"),
    ):
        assert (done.code, done.outputs) == (1, {})
        assert "is damaged: file model.pt2" in done.last_line


FORMS = """
import torch
from mlplane.api.dataset import DataColumn
from mlplane.api.modelversion import Signature
from mlplane.errors import MlplaneError
from mlplane.steps.scoring import check_inputs, count_answers

COLUMNS = [DataColumn(name="x", type="Number", width=2), DataColumn(name="y", type="Integer")]
BATCH = {"x": torch.ones(4, 2).numpy(), "y": torch.tensor([0, 1, 1, 0]).numpy()}

def attempt(model, name="x", shape=(-1, 2)):
    tensor = {"name": name, "datatype": "FP32", "shape": shape}
    signature = Signature.model_validate({"inputs": [tensor], "outputs": [tensor | {"name": "scores"}]})
    try:
        check_inputs(signature, COLUMNS, "y")
        print(count_answers(model, signature, [BATCH, BATCH], "y"))
    except MlplaneError as error:
        print(error)

def fails(x):
    raise RuntimeError("shapes differ")

attempt(lambda x: x)
attempt(lambda x: (x, x * 0))
attempt(lambda x: x.T.contiguous().T[:, :1])
attempt(lambda x: x[:, 0])
attempt(lambda x: x[:2])
attempt(lambda x: x / 0)
attempt(lambda x: x.repeat(1, 501))
attempt(fails)
attempt(lambda x: x, shape=(-1, 3))
attempt(lambda x: x, name="z")
attempt(lambda x: x, name="y", shape=(-1,))
"""


def test_models_of_every_form_are_judged_or_told_why_not(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", FORMS], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "[[4, 0], [4, 0]]",
        "[[4, 0], [4, 0]]",
        "column y has labels other than 0 to 0, the classes of the model",
        "the model's first output has the shape [4]; accuracy needs [rows, classes]",
        "the model's first output has the shape [2, 2]; accuracy needs [rows, classes]",
        "the model gives scores that are not finite numbers; it has not learned anything",
        "the model gives 1002 scores for a row; at most 1000 are judged",
        "the model fails on the evaluation split: RuntimeError: shapes differ",
        "the model's input 'x' has the shape [-1, 3]; the column has [2]",
        "the model's input 'z' is no column of the dataset (x); name the inputs after columns in "
        "training.save(…, sample={…})",
        "the model takes 'y' as an input, which is the answer that it is to give",
    ]


def test_a_model_that_knows_the_answer_is_refused(small):
    script = (small.repo / "train/train.py").read_text()
    small.write_script(script.replace('sample={"x": data["x"]}', 'sample={"y": data["x"]}'))
    small.commit()
    task, _, model = small.trained()
    done = evaluate(small, task, model)
    assert (done.code, done.outputs) == (1, {})
    assert "the model takes 'y' as an input" in done.last_line


def test_a_model_that_was_never_named_is_told(small):
    task = small.task(small.ingested())
    done = small.step(task, "evaluate", "--model=", "--cached-model=")
    assert done.code == 1
    assert "neither --model nor --cached-model" in done.last_line


def test_publish_refuses_a_report_about_something_else(trained, tmp_path):
    small, task, key, model = trained
    report = evaluate(small, task, model).outputs["report"]
    content = report_of(small, report)
    store = Store(f"file://{small.store}")
    for field, value, message in (
        ("model", {"name": "digits", "digest": "sha256:" + "0" * 64}, "is about another model"),
        ("dataset", {"name": "other", "digest": content["dataset"]["digest"]}, "is about another dataset"),
        ("gates", [content["gates"][0] | {"min": "0.1"}], "is about other gates"),
        ("verdict", "Perfect", "is damaged"),
    ):
        folder = tmp_path / f"report-{field}"
        folder.mkdir()
        (folder / "report.json").write_text(json.dumps(content | {field: value}))
        digest = digest_in(store.put(folder, "reports", "digits"))
        done = small.step(task, "publish", f"--key={key}", f"--model={model}", f"--report={digest}")
        assert (done.code, done.outputs) == (1, {})
        assert message in done.last_line


def test_publish_refuses_a_model_that_the_run_did_not_make(trained):
    small, task, key, model = trained
    report = evaluate(small, task, model).outputs["report"]
    other = "sha256:" + "0" * 64
    done = small.step(task, "publish", f"--key={key}", f"--model={other}", f"--report={report}")
    assert done.code == 1
    assert f"but {other} was judged" in done.last_line
    done = small.step(task, "publish", f"--key={other}", f"--model={model}", f"--report={report}")
    assert done.code == 1
    assert "is not in the store" in done.last_line
