import re

import pytest

from mlplane.runkey import run_key
from mlplane.tasks import RunTask


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entrypoint": "tain.py"}, "spec.entrypoint tain.py is not in train at commit"),
        (
            {"evaluation.split": "validation"},
            "spec.evaluation.split 'validation' is not in dataset digits: it has train, test",
        ),
        (
            {"evaluation.label": "digit"},
            "label 'digit' is no single Integer or Boolean column of dataset digits: it has label",
        ),
        (
            {"evaluation.gates": [{"metric": "acuracy", "min": "0.9"}]},
            "the gate on 'acuracy' names no metric of Classification: known are accuracy, balanced_accuracy",
        ),
        (
            {"evaluation.slices": [{"name": "old", "column": "age", "min": "65"}]},
            "slice 'old': column 'age' is not in the dataset",
        ),
        (
            {"evaluation.evaluator": "judge.py"},
            "spec.evaluation.evaluator judge.py is not in train at commit",
        ),
        ({"evaluation.label": "pixels"}, "it has label"),
        ({"code.git.path": "trian"}, "trian is not in commit"),
        ({"code.git.path": "train/train.py"}, "train/train.py at commit .* is not a directory"),
        ({"code.git.commit": "2" * 40}, "has no commit"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_trained(bench, change, message):
    version = bench.ingested()
    for path, value in change.items():
        *parents, name = path.split(".")
        target = bench.run
        for parent in parents:
            target = target[parent]
        target[name] = value
    done = bench.step(bench.task(version), "preflight")
    assert (done.code, done.outputs) == (1, {})
    assert done.last_line.startswith("mlplane preflight: ")
    assert re.search(message, done.last_line)


def test_a_script_that_is_not_python_is_refused_without_being_run(bench):
    bench.write_script("print('ran')\ndef broken(:\n")
    bench.commit()
    done = bench.step(bench.task(bench.ingested()), "preflight")
    assert done.code == 1
    assert "spec.entrypoint train.py is not valid Python" in done.last_line
    assert "line 2" in done.last_line
    assert "ran" not in done.out


def test_code_with_links_is_refused(bench):
    (bench.repo / "train/secrets").symlink_to("../../../etc")
    bench.commit()
    done = bench.step(bench.task(bench.ingested()), "preflight")
    assert done.code == 1
    assert "train/secrets is a symbolic link" in done.last_line


def test_a_dataset_version_that_is_gone_is_told(bench):
    version = bench.ingested()
    task = bench.task(version)
    (bench.artifact("datasets", version.digest) / "manifest.json").unlink()
    done = bench.step(task, "preflight")
    assert done.code == 1
    assert f"{version.uri} is not in the store" in done.last_line


def test_a_dataset_with_nothing_left_to_train_on_is_refused(small):
    small.dataset["splits"] = [{"name": "test", "percent": 100}]
    done = small.step(small.task(small.ingested()), "preflight")
    assert done.code == 1
    assert "has no split but 'test', which is for judging" in done.last_line


def test_the_key_follows_from_content_not_from_history(bench, git_in):
    task = bench.task(bench.ingested())
    first = bench.step(task, "preflight").outputs
    (bench.repo / "README.md").write_text("another commit, the same code\n")
    bench.commit()
    second_task = bench.task(bench.ingested())
    second = bench.step(second_task, "preflight").outputs
    assert second == first
    tree = git_in(bench.repo, "rev-parse", "HEAD:train")
    assert first["key"] == run_key(RunTask.model_validate_json(task), tree)

    bench.write_script("print('other')\n")
    bench.commit()
    assert bench.step(bench.task(bench.ingested()), "preflight").outputs["key"] != first["key"]


def test_preflight_imports_nothing_heavy(bench):
    bench.extra_environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    done = bench.step(bench.task(bench.ingested()), "preflight")
    assert done.code == 0
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.err.splitlines()}
    assert "mlplane.steps.preflight" in imported
    assert not imported & {"torch", "numpy", "pyarrow", "sklearn", "kubernetes", "kserve"}


def test_a_store_that_fails_is_told_with_its_address(bench):
    task = bench.task(bench.ingested())
    bench.extra_environment = {"MLPLANE_STORE": f"file://{bench.repo}/README.md"}
    done = bench.step(task, "preflight")
    assert done.code == 1
    assert "README.md" in done.last_line
