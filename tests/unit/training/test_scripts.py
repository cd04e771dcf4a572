"""What needs torch, each in a process of its own."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from mlplane.api.modelversion import Signature
from mlplane.store.archive import inspect
from mlplane.training.context import RUN_ENV

EXAMPLE = Path(__file__).parents[3] / "examples/digits"

SEEDED = """
import random, numpy, torch
from mlplane import training
seed = training.seed(3)
print(seed, random.random(), numpy.random.rand(), torch.rand(1).item())
"""

TWO_INPUTS = """
import torch
from mlplane import training

class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3)
        self.dropout = torch.nn.Dropout(0.9)
    def forward(self, v, n):
        return self.dropout(self.linear(v)) + n.unsqueeze(1).float(), n * 2

torch.manual_seed(0)
data = training.dataset("train").tensors()
model = Two()
training.save(model, sample={"v": data["v"][:ROWS], "n": data["n"][:ROWS] % 5}, outputs=["scores", "double"])
assert model.training, "the script goes on with the model as it was"
program = torch.export.load(FOLDER + "/model.pt2").module()
for rows in (1, 2, 7):
    scores, double = program(torch.zeros(rows, 2), torch.zeros(rows, dtype=torch.int64))
    assert scores.shape == (rows, 3) and double.shape == (rows,)
"""


def save_with(script, run_json, rows):
    folder = json.loads(run_json.read_text())["output"]
    code = TWO_INPUTS.replace("ROWS", str(rows)).replace("FOLDER", repr(folder))
    done = script(code, **{RUN_ENV: str(run_json)})
    assert done.code == 0, done.err
    return Path(folder)


def test_a_seed_makes_every_generator_repeat_itself(script, run_json):
    one, two = (script(SEEDED, **{RUN_ENV: str(run_json)}).out for _ in range(2))
    outside = script(SEEDED).out
    assert one == two
    assert (one.split()[0], outside.split()[0]) == ("11", "3")
    assert one != outside


def test_a_saved_model_has_a_signature_a_sample_and_nothing_that_runs_on_loading(script, run_json):
    folder = save_with(script, run_json, rows=3)
    assert {p.name for p in folder.iterdir()} == {
        "model.pt2",
        "weights.safetensors",
        "signature.json",
        "sample.json",
    }
    inspect(folder / "model.pt2")
    signature = Signature.model_validate_json((folder / "signature.json").read_text())
    assert [(t.name, t.datatype, t.shape) for t in signature.inputs] == [
        ("v", "FP32", (-1, 2)),
        ("n", "INT64", (-1,)),
    ]
    assert [(t.name, t.datatype, t.shape) for t in signature.outputs] == [
        ("scores", "FP32", (-1, 3)),
        ("double", "INT64", (-1,)),
    ]
    sample = json.loads((folder / "sample.json").read_text())
    assert sample["outputs"]["double"] == [2 * n for n in sample["inputs"]["n"]]
    with zipfile.ZipFile(folder / "model.pt2") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert str(folder.parent).encode() not in content
    assert b"site-packages" not in content


def test_a_sample_of_one_row_still_gives_a_free_batch(script, run_json):
    sample = json.loads((save_with(script, run_json, rows=1) / "sample.json").read_text())
    assert len(sample["inputs"]["n"]) == 2


def test_the_same_model_is_the_same_bytes_in_another_process(script, run_json):
    folder = save_with(script, run_json, rows=3)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    save_with(script, run_json, rows=3)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


BAD = """
import torch
from mlplane import training
from mlplane.errors import InvalidInput

class Model(torch.nn.Module):
    def __init__(self, answer):
        super().__init__()
        self.answer = answer
    def forward(self, v):
        return self.answer(v)

rows = torch.ones(3, 2)
for answer, sample, outputs, message in [
    (lambda v: v.half(), {"v": rows}, ["o"], "tensor o is torch.float16"),
    (lambda v: (v, v), {"v": rows}, ["o"], "the model gives 2 outputs"),
    (lambda v: {"o": v}, {"v": rows}, ["o"], "must give a tensor or a tuple"),
    (lambda v: v, {"v": rows, "w": rows[:2]}, ["o"], "same number of rows"),
    (lambda v: v, {"v": torch.tensor(1.0)}, ["o"], "same number of rows"),
    (lambda v: v, {"v": rows[:0]}, ["o"], "same number of rows"),
    (lambda v: v, {}, ["o"], "same number of rows"),
]:
    try:
        training.save(Model(answer), sample, outputs)
    except InvalidInput as error:
        assert message in str(error), (message, error)
    else:
        raise AssertionError(message)
"""


def test_models_that_cannot_be_served_are_refused_when_they_are_saved(script, run_json):
    done = script(BAD, **{RUN_ENV: str(run_json)})
    assert done.code == 0, done.err
    assert not (run_json.parent / "output/signature.json").exists()


COMPILED = """
import torch
from mlplane import training

class Plain(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 3)
        self.inner = torch.nn.Identity()
        self.inner.mask = torch.ones(3, device=DEVICE)
    def forward(self, v):
        return self.linear(v)

data = training.dataset("train").tensors()
training.save(torch.compile(Plain()), sample={"v": data["v"]}, outputs=["scores"])
"""


def test_a_compiled_model_is_saved_as_what_it_was_made_of(script, run_json):
    done = script(COMPILED.replace("DEVICE", "'cpu'"), **{RUN_ENV: str(run_json)})
    assert done.code == 0, done.err
    assert (Path(json.loads(run_json.read_text())["output"]) / "signature.json").exists()


def test_a_tensor_that_does_not_move_with_the_model_is_named(script, run_json):
    # `meta` stands for a GPU: it is not the CPU, and every machine has it.
    done = script(COMPILED.replace("DEVICE", "'meta'"), **{RUN_ENV: str(run_json)})
    assert done.code == 1
    assert "inner.mask of the model is a tensor on meta that is neither parameter nor buffer" in done.err


def test_the_example_runs_by_itself_from_any_directory(tmp_path):
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "train/train.py")],
        cwd=tmp_path,
        # One thread: more of them on a machine that is busy wait for each other.
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '{"mlplane": {"progress": "30/30"}}' in done.stdout
    assert "outside of mlplane nothing is saved" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_outside_of_a_run_the_rows_are_those_of_the_run(script):
    code = f"""
import os
os.chdir({str(EXAMPLE)!r})
from mlplane import training
from mlplane.errors import InvalidInput
file = "dev/dataset.yaml"
print(training.dataset("train", manifest=file).rows, training.dataset("test", file).rows)
for arguments in (["other", file], ["train", "dev/missing.yaml"], ["train"], ["train", "README.md"]):
    try:
        training.dataset(*arguments)
    except InvalidInput as error:
        print(error)
"""
    lines = script(code).out.splitlines()
    assert lines[0] == "1443 354"
    assert "has no split 'other'; it has train, test" in lines[1]
    assert lines[2].startswith("dev/missing.yaml is not in ")
    assert "needs its manifest" in lines[3]
    assert "README.md" in lines[4]
