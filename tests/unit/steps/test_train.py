import json
import os
import signal
import subprocess
import time

import pytest

from mlplane.store.digest import digest_of


@pytest.fixture
def task(small):
    """The task of a run with this script, parameters and so on."""

    def make(script=None, **params):
        if script is not None:
            small.write_script(script)
        small.run["params"] = params
        small.commit()
        return small.task(small.ingested())

    return make


def models(bench):
    return list((bench.store / "models").rglob("manifest.json")) + list(
        (bench.store / "runs").rglob("result.json")
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("raise RuntimeError('out of luck')", "script train.py failed with exit code 1"),
        ("import sys; sys.exit(9)", "script train.py failed with exit code 9"),
        ("print('done')", "script train.py saved no model; call mlplane.training.save"),
        ("import nosuchmodule", "script train.py failed with exit code 1"),
    ],
)
def test_a_script_that_fails_is_told_and_leaves_nothing(small, task, script, message):
    done = small.step(task(script), "train")
    assert (done.code, done.outputs) == (1, {})
    assert message in done.last_line
    assert models(small) == []


def test_the_traceback_of_a_script_is_passed_through(small, task):
    done = small.step(task("print('before')\nraise RuntimeError('out of luck')"), "train")
    assert "RuntimeError: out of luck" in done.err
    assert "before" in done.out
    assert done.err.index("out of luck") < done.err.index("mlplane train:")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            "from mlplane import training\ntraining.params(epochs=3)",
            "spec.params.epohcs is not a parameter of the script",
        ),
        (
            "from mlplane import training\ntraining.params(epohcs=3)",
            "spec.params.epohcs is '1.5'; the script needs a whole",
        ),
        ("from mlplane import training\ntraining.dataset('test')", "is what the model will be judged on"),
    ],
)
def test_what_the_sdk_refuses_is_seen_in_the_log(small, task, script, message):
    done = small.step(task(script, epohcs="1.5"), "train")
    assert done.code == 1
    assert message in done.err


ENVIRONMENT = """
import json, os, sys
from pathlib import Path
import helper
print(json.dumps({
    "environment": sorted(os.environ),
    "files": sorted(p.name for p in Path(json.load(open(os.environ["MLPLANE_RUN"]))["folder"]).iterdir()),
    "helper": helper.VALUE,
    "here": sorted(p.name for p in Path.cwd().iterdir()),
}))
"""


def test_a_script_has_its_code_its_splits_and_no_credentials(small, task):
    (small.repo / "train/helper.py").write_text("VALUE = 5\n")
    done = small.step(task(ENVIRONMENT), "train")
    seen = json.loads(done.out.splitlines()[0])
    assert seen["helper"] == 5
    assert seen["here"] == ["helper.py", "train.py"]
    assert seen["files"] == ["dataset.json", "manifest.json", "train.parquet"]
    assert not {"AWS_SECRET_ACCESS_KEY", "MLPLANE_STORE", "GIT_CONFIG_GLOBAL"} & set(seen["environment"])


def test_a_script_gets_the_plain_keys_of_its_secret_and_no_other_step_does(small, task):
    given = {"WANDB_KEY": "topsecret", "PATH": "/nowhere", "PYTHONPATH": "/nowhere"}
    small.extra_environment = {f"MLPLANE_SCRIPT_{name}": value for name, value in given.items()}
    script = (
        "import os, sys\nprint(len(os.environ['WANDB_KEY']), os.environ['PATH'], os.environ['PYTHONPATH'])\n"
    )
    text = task(script + "print([name for name in os.environ if name.startswith('MLPLANE_SCRIPT_')])")
    done = small.step(text, "train")
    assert done.out.splitlines()[0].startswith("9 ")
    assert "/nowhere" not in done.out, "what the step sets itself stays"
    assert done.out.splitlines()[1] == "[]"
    assert "topsecret" not in done.out + done.err


def test_a_model_is_stored_under_its_digest_and_found_by_the_key(small, task):
    text = task()
    key = small.step(text, "preflight").outputs["key"]
    done = small.step(text, "train")
    assert done.code == 0, done.err
    model = done.outputs["model"]
    assert digest_of(small.artifact("models", model)) == model
    result = small.json_in_store(f"runs/{key.removeprefix('sha256:')}/result.json")
    assert (result["key"], result["artifact"]["digest"]) == (key, model)

    again = small.step(text, "train")
    assert again.outputs == {"model": model}
    assert "saved" not in again.out, "what was trained is not trained again"

    (small.artifact("models", model) / "manifest.json").unlink()
    assert small.step(text, "preflight").outputs["cached"] == "false"
    retrained = small.step(text, "train")
    assert retrained.outputs == {"model": model}, "the same work makes the same bytes"
    assert "saved" in retrained.out


def test_a_dataset_that_is_not_the_one_that_was_pinned_is_refused(small, task):
    text = task("print('ran')")
    version = small.ingested()
    other = text.replace(version.splits[0].digest, "sha256:" + "0" * 64)
    done = small.step(other, "train")
    assert done.code == 3
    assert f"the run is pinned to sha256:{'0' * 64}" in done.last_line
    assert "ran" not in done.out


def test_a_damaged_split_is_refused_before_the_script_starts(small, task):
    text = task("print('ran')")
    path = small.artifact("datasets", small.ingested().digest) / "train.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"0")
    done = small.step(text, "train")
    assert done.code == 5
    assert "is damaged: file train.parquet" in done.last_line
    assert "ran" not in done.out


PICKLED = """
import os, torch
from pathlib import Path
import json
from mlplane import training
training.save(torch.nn.Linear(1, 2), sample={"x": torch.zeros(2, 1)})
output = Path(json.load(open(os.environ["MLPLANE_RUN"]))["output"])
"""


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ("torch.save({}, output / 'model.pt2')", "model.pt2"),
        (
            "(output / 'extra.pkl').write_bytes(b'')",
            "other files than mlplane.training.save writes: extra.pkl",
        ),
        ("(output / 'sample.json').unlink()", "other files than mlplane.training.save writes: sample.json"),
        ("(output / 'signature.json').write_text('{}')", "signature.json of the model is not a signature"),
    ],
)
def test_a_model_that_save_did_not_write_is_not_stored(small, task, after, message):
    done = small.step(task(PICKLED + after), "train")
    assert done.code == 1
    assert message in done.last_line
    assert models(small) == []


WAITS = """
import signal, sys, time
def stop(*_):
    print("stopping", flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
print("started", flush=True)
time.sleep(60)
"""


def test_sigterm_reaches_the_script_and_its_output_comes_as_it_is_written(small, task):
    text = task(WAITS)
    work = small.new_work()
    process = subprocess.Popen(
        small.command("train"),
        env=small.environment(work, text),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    started = time.monotonic()
    os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert out == "stopping\n"
    assert "failed with exit code 3" in err
    assert process.returncode == 4
    assert time.monotonic() - started < 10
