import json

from mlplane.store.artifacts import Store
from mlplane.store.uris import digest_in


def report_of(bench, digest):
    return json.loads((bench.artifact("reports", digest) / "report.json").read_text())


def test_a_perfect_model_passes_and_the_report_is_the_same_each_time(trained):
    small, task, key, model = trained
    result = small.judged(task, key, model)
    assert result.recorded.verdict == "Passed"
    assert result.recorded.results[0].value == "1.0000"
    digest = small.evaluate(task, key, model).outputs["report"]
    assert digest == digest_in(result.recorded.report)
    report = report_of(small, digest)
    confusion = report["plots"]["confusion"]
    assert confusion[0][1] == confusion[1][0] == 0
    assert report["rows"] == result.recorded.rows


def test_a_gate_that_fails_is_a_verdict_with_numbers_and_not_an_error(small):
    script = (small.repo / "train/train.py").read_text()
    small.write_script(script.replace("3.5", "4.5"))
    small.commit()
    task, key, model = small.trained()
    result = small.judged(task, key, model)
    gate = result.recorded.results[0]
    assert (result.recorded.verdict, gate.verdict, gate.gate.min) == ("Failed", "Failed", "0.95")
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
    report = small.evaluate(task, key, model).outputs["report"]
    path = small.artifact("models", model) / "model.pt2"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    for done in (
        small.evaluate(task, key, model),
        small.step(task, "publish", f"--key={key}", f"--model={model}", f"--report={report}"),
    ):
        assert (done.code, done.outputs) == (5, {})
        assert "is damaged: file model.pt2" in done.last_line


def test_a_model_that_knows_the_answer_is_refused(small):
    script = (small.repo / "train/train.py").read_text()
    small.write_script(script.replace('sample={"x": data["x"]}', 'sample={"y": data["x"]}'))
    small.commit()
    task, key, model = small.trained()
    done = small.evaluate(task, key, model)
    assert (done.code, done.outputs) == (1, {})
    assert "the model takes 'y' as an input" in done.last_line


def test_a_model_that_was_never_named_is_told(small):
    task = small.task(small.ingested())
    done = small.evaluate(task, "", "")
    assert done.code == 1
    assert "neither --model nor --cached-model" in done.last_line


def test_publish_refuses_a_report_about_something_else(trained, tmp_path):
    small, task, key, model = trained
    report = small.evaluate(task, key, model).outputs["report"]
    content = report_of(small, report)
    store = Store(f"file://{small.store}")
    for field, value, message in (
        ("model", {"name": "digits", "digest": "sha256:" + "0" * 64}, "is about another model"),
        ("dataset", {"name": "other", "digest": content["dataset"]["digest"]}, "is about another dataset"),
        ("plan", content["plan"] | {"minSamples": 1}, "is about another plan"),
        ("baseline", {"model": "other"}, "is about another baseline"),
        ("gates", [content["gates"][0] | {"gate": {"metric": "f1", "min": "0.1"}}], "is about other gates"),
        ("verdict", "Perfect", "is damaged"),
    ):
        folder = tmp_path / f"report-{field}"
        folder.mkdir()
        (folder / "report.json").write_text(json.dumps(content | {field: value}))
        digest = digest_in(store.put(folder, "reports", "digits"))
        done = small.step(task, "publish", f"--key={key}", f"--model={model}", f"--report={digest}")
        assert (done.code, done.outputs) == (5, {})
        assert message in done.last_line


def test_publish_refuses_a_model_that_the_run_did_not_make(trained):
    small, task, key, model = trained
    report = small.evaluate(task, key, model).outputs["report"]
    other = "sha256:" + "0" * 64
    done = small.step(task, "publish", f"--key={key}", f"--model={other}", f"--report={report}")
    assert done.code == 5
    assert f"but {other} was judged" in done.last_line
    done = small.step(task, "publish", f"--key={other}", f"--model={model}", f"--report={report}")
    assert done.code == 5
    assert "is not in the store" in done.last_line
