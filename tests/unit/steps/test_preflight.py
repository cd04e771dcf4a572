import re

import pytest

from mlplane.runkey import run_key
from mlplane.tasks import RunTask


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"entrypoint": "tain.py"}, 1, "spec.entrypoint tain.py is not in train at commit"),
        (
            {"evaluation.split": "validation"},
            3,
            "spec.evaluation.split 'validation' is not in dataset digits: it has train, test",
        ),
        (
            {"evaluation.label": "digit"},
            3,
            "label 'digit' is no single Integer or Boolean column of dataset digits: it has label",
        ),
        (
            {"evaluation.gates": [{"metric": "acuracy", "min": "0.9"}]},
            1,
            "the gate on 'acuracy' names no metric of Classification: known are accuracy, balanced_accuracy",
        ),
        (
            {"evaluation.slices": [{"name": "old", "column": "age", "min": "65"}]},
            3,
            "slice 'old': column 'age' is not in the dataset",
        ),
        (
            {"evaluation.evaluator": "judge.py"},
            1,
            "spec.evaluation.evaluator judge.py is not in train at commit",
        ),
        ({"evaluation.label": "pixels"}, 3, "it has label"),
        ({"code.git.path": "trian"}, 1, "trian is not in commit"),
        ({"code.git.path": "train/train.py"}, 1, "train/train.py at commit .* is not a directory"),
        ({"code.git.commit": "2" * 40}, 1, "has no commit"),
    ],
)
def test_what_is_missing_is_told_before_anything_is_trained(bench, change, code, message):
    version = bench.ingested()
    for path, value in change.items():
        *parents, name = path.split(".")
        target = bench.run
        for parent in parents:
            target = target[parent]
        target[name] = value
    done = bench.step(bench.task(version), "preflight")
    assert (done.code, done.outputs) == (code, {})
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
    assert done.code == 5
    assert f"{version.uri} is not in the store" in done.last_line


def test_a_dataset_with_nothing_left_to_train_on_is_refused(small):
    small.dataset["splits"] = [{"name": "test", "percent": 100}]
    done = small.step(small.task(small.ingested()), "preflight")
    assert done.code == 3
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
    assert done.code == 5
    assert "README.md" in done.last_line


def test_what_a_script_would_stumble_over_is_told_without_running_it(small):
    version = small.ingested()

    def checked(text, **params):
        small.write_script(f"print('ran')\n{text}\n")
        small.run["params"] = params
        small.commit()
        done = small.step(small.task(version), "preflight")
        assert done.code == 1
        assert "ran" not in done.out
        return done.last_line

    (small.repo / "train/helper.py").write_text("print('ran')\nimport torhc\n")
    said = checked("import helper")
    assert "helper.py line 2 imports 'torhc', which is neither in train at commit" in said
    assert "did you mean 'torch'?" in said
    said = checked("from mlplane import training\nparams = training.params(epochs=3)", epohcs=5)
    assert "spec.params.epohcs is not a parameter of train.py; it knows epochs" in said
    small.run["secretRef"] = {"name": "hub"}
    assert "spec.secretRef: Secret hub has no key that can be an environment variable" in checked("")
    small.extra_environment = {"MLPLANE_SCRIPT_TOKEN": "s3cret"}
    done = small.step(small.task(version), "preflight")
    assert done.code == 0, done.err
    assert "s3cret" not in done.out + done.err


def test_a_split_that_is_gone_or_is_another_one_than_pinned_is_told(small):
    version = small.ingested()
    task = small.task(version)
    pinned = small.step(task.replace(version.splits[0].digest, "sha256:" + "0" * 64), "preflight")
    assert (pinned.code, pinned.outputs) == (3, {})
    assert f"the run is pinned to sha256:{'0' * 64}" in pinned.last_line
    (small.artifact("datasets", version.digest) / "train.parquet").unlink()
    gone = small.step(task, "preflight")
    assert (gone.code, gone.outputs) == (5, {})
    assert "file train.parquet is missing from the store" in gone.last_line


def test_code_in_the_image_is_checked_trained_and_named_in_the_key(small, tmp_path):
    app = tmp_path / "app"
    (small.repo / "train").rename(app)
    digest = "sha256:" + "1" * 64
    small.run |= {"code": {"image": {"path": str(app)}}, "image": f"registry.example/train@{digest}"}
    task = small.task(small.ingested())
    preflight = small.step(task, "preflight")
    assert preflight.code == 0, preflight.err
    assert preflight.outputs["key"] == run_key(RunTask.model_validate_json(task), f"image:{app}")
    train = small.step(task, "train")
    assert train.code == 0, train.err
    result = small.json_in_store(f"runs/{preflight.outputs['key'].removeprefix('sha256:')}/result.json")
    assert result.get("tree") is None
    assert result["artifact"]["digest"] == train.outputs["model"]

    (app / "train.py").rename(app / "main.py")
    missing = small.step(task, "preflight")
    assert f"spec.entrypoint train.py is not in {app} of the image" in missing.last_line
    small.run["code"] = {"image": {"path": f"{app}/src"}}
    elsewhere = small.step(small.task(small.ingested()), "preflight")
    assert f"spec.code.image.path {app}/src is no directory of the image" in elsewhere.last_line
