"""A training that was interrupted, at any point and in any way, ends with the bytes of one that was not."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.steps.conftest import simplified, template

from mlplane.steps.checkpoints import Keeper
from mlplane.store.artifacts import Store
from mlplane.store.digest import digest_of

EPOCHS = 6
SCRIPT = """
import os, random, sys, time
import numpy as np
import torch
from mlplane import training

training.seed()
data = training.dataset("train").tensors()
model = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
kept = training.checkpoints(EVERY, model=model, optimizer=optimizer)
print("begins at", kept.done, flush=True)
for epoch in range(kept.done, EPOCHS):
    for rows in torch.randperm(len(data["y"])).split(50):
        noise = random.random() + float(np.random.rand())
        loss = torch.nn.functional.cross_entropy(model(data["x"][rows] + noise), data["y"][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("has finished", epoch + 1, flush=True)
    HOLD
    kept.save(epoch + 1)
training.save(model, sample={"x": data["x"][:4]}, outputs=["scores"])
"""
WAITS = """
    while os.path.exists({gate!r} + str(epoch)):
        time.sleep(0.01)
"""


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """The script stands still in its second and fourth epoch (1 and 3) as long as these files are there."""
    path = tmp_path / "gate"
    for epoch in (1, 3):
        Path(f"{path}{epoch}").touch()
    return path


@pytest.fixture
def task(small, gate):
    return lambda every=0: committed(small, gate, every)


def committed(bench, gate: Path, every: float = 0) -> str:
    """The task of a run of the script."""
    waits = WAITS.format(gate=str(gate)).strip()
    bench.write_script(
        SCRIPT.replace("EVERY", str(every)).replace("EPOCHS", str(EPOCHS)).replace("HOLD", waits)
    )
    bench.commit()
    return str(bench.task(bench.ingested()))


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    """Digest of the model of a training that nothing interrupts."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    bench = simplified(template(folder))
    done = bench.step(committed(bench, folder / "no-gate"), "train")
    assert done.code == 0, done.err
    assert "begins at 0" in done.out
    return str(done.outputs["model"])


def started(bench, task: str, gate: Path, stored: int = 0) -> tuple[subprocess.Popen[str], Path]:
    """The step train in its fourth epoch, in a group of its own; so many checkpoints are stored."""
    work = bench.new_work()
    log = work / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            bench.command("train"), cwd=work, env=bench.environment(work, task),
            stdout=stream, stderr=stream, text=True, start_new_session=True,
        )  # fmt: skip
    until(lambda: "has finished 2" in log.read_text(), process, log)
    until(lambda: len(index(bench)) >= min(stored, 1), process, log)
    Path(f"{gate}1").unlink()
    until(lambda: "has finished 4" in log.read_text(), process, log)
    until(lambda: len(index(bench)) >= stored and is_newest_stored(bench, stored), process, log)
    return process, log


def is_newest_stored(bench, stored: int) -> bool:
    """Whether the checkpoint before the fourth epoch is there, if any is asked for."""
    return not stored or index(bench)[0]["file"] == "step-000000000003.pt"


def until(is_so: Callable[[], bool], process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + 90
    while not is_so():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)


def index(bench) -> list[dict[str, str]]:
    paths = bench.store.glob("runs/*/checkpoints.json")
    return [each for path in paths for each in json.loads(path.read_text())["checkpoints"]]


def test_a_killed_training_goes_on_and_ends_with_the_same_bytes(small, task, gate, model):
    text = task()
    process, _ = started(small, text, gate, stored=2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    Path(f"{gate}3").unlink()

    resumed = small.step(text, "train")
    assert resumed.code == 0, resumed.err
    assert "goes on from checkpoint step-000000000003.pt" in resumed.out
    assert [line for line in resumed.out.splitlines() if line.startswith("has finished")] == [
        "has finished 4",
        "has finished 5",
        "has finished 6",
    ], "less than one interval is done again"
    assert resumed.outputs == {"model": model}
    assert digest_of(small.artifact("models", model)) == model
    assert index(small) == []
    assert not list((small.store / "checkpoints").rglob("*.pt")), "what has a result needs no checkpoint"


def test_a_training_that_is_told_to_stop_saves_where_it_is(small, task, gate, model):
    text = task(every=3600)
    process, log = started(small, text, gate)
    assert not list(small.store.glob("runs/*/checkpoints.json")), "none was old enough"
    process.terminate()
    Path(f"{gate}3").unlink()
    assert process.wait(60) == 4, log.read_text()
    assert log.read_text().strip().endswith("script train.py was told to stop, and saved a checkpoint")
    resumed = small.step(text, "train")
    assert resumed.code == 0, resumed.err
    assert "begins at 4" in resumed.out
    assert resumed.outputs == {"model": model}


def test_a_script_that_is_killed_alone_may_be_tried_again(small, task, gate):
    text = task()
    process, log = started(small, text, gate)
    [child] = (
        int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    )
    os.kill(child, signal.SIGKILL)
    assert process.wait(60) == 6
    assert "was ended by SIGKILL (out of memory?)" in log.read_text()


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_taken(small, task, gate, model):
    text = task()
    process, _ = started(small, text, gate, stored=2)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    Path(f"{gate}3").unlink()
    newest, before = index(small)
    [file] = (small.store / newest["uri"].removeprefix("store://")).glob("*.pt")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    resumed = small.step(text, "train")
    assert resumed.code == 0, resumed.err
    assert f"{newest['uri']} is damaged" in resumed.err
    assert f"goes on from checkpoint {before['file']}" in resumed.out
    assert resumed.outputs == {"model": model}


def keeper(folder: Path, key: str, **files: bytes) -> Keeper:
    """Of a step whose script has written these files, one after the other."""
    folder.mkdir()
    made = Keeper(Store(f"file://{folder.parent}/store"), f"sha256:{key * 64}", "digits", folder)
    for step, content in files.items():
        (folder / f"step-{step.removeprefix('step').zfill(12)}.pt").write_bytes(content)
        with made.keeping():
            pass
    return made


def test_what_a_run_does_not_need_any_more_is_not_taken_from_another_with_the_same_bytes(tmp_path):
    """Such as a run and its rerun, or two trials that differ only later."""
    first = keeper(tmp_path / "a", "a", step1=b"same", step2=b"equal")
    keeper(tmp_path / "b", "b", step1=b"same", step2=b"equal")
    first.discard()
    keeper(tmp_path / "c", "b").fetch()
    assert (tmp_path / "c" / "step-000000000002.pt").read_bytes() == b"equal"


def test_a_damaged_checkpoint_is_written_anew(tmp_path):
    keeper(tmp_path / "a", "a", step1=b"one", step2=b"two")
    [file] = (tmp_path / "store").rglob("step-000000000002.pt")
    file.write_bytes(b"tow")
    again = keeper(tmp_path / "b", "a")
    again.fetch()
    (tmp_path / "b" / "step-000000000002.pt").write_bytes(b"two")
    with again.keeping():
        pass
    keeper(tmp_path / "c", "a").fetch()
    assert (tmp_path / "c" / "step-000000000002.pt").read_bytes() == b"two"
