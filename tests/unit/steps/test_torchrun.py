"""Processes that train together: they learn what one process learns, and whatever happens to one of them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mlplane.steps.torchrun import culprit, threads_each

pytestmark = pytest.mark.timeout(300)
EPOCHS = 5
STOPPED, KILLED = 4, 6
"""Exit codes of the step."""
TRAINING = """
import torch
from torch.nn.functional import cross_entropy


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 2)
        self.register_buffer("drawn", torch.zeros(1))
    def forward(self, x):
        return self.layer(x)


def trained(data, model, optimizer, rank, size, epochs, after):
    whole = torch.nn.parallel.DistributedDataParallel(model) if size > 1 else model
    for epoch in epochs:
        for rows in torch.arange(len(data["y"])).split(40):
            mine = rows[rank::size]
            loss = cross_entropy(whole(data["x"][mine]), data["y"][mine])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        after(epoch, loss)
"""
SCRIPT = (
    TRAINING
    + """
import os, sys, time
from mlplane import training

training.seed()
ranks = training.distributed()
torch.manual_seed(ranks.rank)
data = training.dataset("train").tensors()
model = Model()
with torch.no_grad():
    for parameter in model.parameters():
        parameter.fill_(0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
kept = training.checkpoints(EVERY, model=model, optimizer=optimizer)


def after(epoch, loss):
    drawn = torch.rand(1)
    torch.distributed.all_reduce(drawn)
    model.drawn.add_(drawn)
    training.metrics(step=epoch, loss=loss)
    # In one piece: what is printed by two processes is mixed.
    sys.stdout.write(f"process {ranks.rank} {os.getpid()} has finished {epoch}\\n")
    sys.stdout.flush()
    while os.path.exists(GATE + str(epoch)):
        time.sleep(0.01)
    kept.save(epoch + 1)


trained(data, model, optimizer, ranks.rank, ranks.size, range(kept.done, EPOCHS), after)
training.save(model, sample={"x": data["x"][:4]}, outputs=["scores"])
"""
)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """As long as one of these files is there, the processes wait in that epoch: gate1, gate3."""
    return tmp_path / "gate"


@pytest.fixture
def task(small, gate) -> str:
    return committed(small, SCRIPT.replace("GATE", repr(str(gate))))


def committed(bench, script: str, every: float = 0) -> str:
    script = script.replace("EPOCHS", str(EPOCHS)).replace("EVERY", str(every))
    bench.write_script(script)
    bench.run["processes"] = 2
    bench.commit()
    return str(bench.task(bench.ingested()))


@dataclass
class Started:
    """The step train, in a group of its own."""

    process: subprocess.Popen[str]
    log: Path

    def ranks(self, epoch: int) -> dict[str, int]:
        """Pids of the processes that have finished an epoch."""
        lines = [line.split() for line in self.log.read_text().splitlines() if line.startswith("process ")]
        return {words[1]: int(words[2]) for words in lines if words[-1] == str(epoch)}


@pytest.fixture
def start(small) -> Iterator[Callable[[str, int], Started]]:
    """Start the step, and wait until both processes have finished an epoch."""
    all_started: list[Started] = []

    def starting(task: str, until: int) -> Started:
        work = small.new_work()
        with (work / "log").open("w") as stream:
            process = subprocess.Popen(
                small.command("train"), cwd=work, env=small.environment(work, task),
                stdout=stream, stderr=stream, text=True, start_new_session=True,
            )  # fmt: skip
        started = Started(process, work / "log")
        all_started.append(started)
        eventually(lambda: len(started.ranks(until)) == 2 or process.poll() is not None)
        assert process.poll() is None, started.log.read_text()
        return started

    yield starting
    for started in all_started:
        with suppress(ProcessLookupError):
            os.killpg(started.process.pid, signal.SIGKILL)
        started.process.wait()


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def weights(bench, model: str) -> dict[str, torch.Tensor]:
    return dict(load_file(bench.artifact("models", model) / "weights.safetensors"))


def test_two_processes_learn_what_one_learns_whatever_interrupts_them(small, task, gate, start):
    whole = small.step(task, "train")
    assert whole.code == 0, whole.err
    assert whole.out.count('"metrics"') == EPOCHS, "one of them speaks"
    model = whole.outputs["model"]
    together = weights(small, model)

    scope: dict = {}
    exec(TRAINING, scope)
    alone = scope["Model"]()
    with torch.no_grad():
        for parameter in alone.parameters():
            parameter.fill_(0.5)
    scope["trained"](
        rows(small),
        alone,
        torch.optim.Adam(alone.parameters(), lr=0.01),
        0,
        1,
        range(EPOCHS),
        lambda *_: None,
    )
    for name, parameter in alone.named_parameters():
        torch.testing.assert_close(together[name], parameter.detach(), rtol=1e-5, atol=1e-6)

    [result] = (small.store / "runs").glob("*/result.json")
    said = result.with_name("metrics.json").read_text()
    result.unlink()  # so that it is trained again

    Path(f"{gate}1").touch()
    stopped = start(task, 1)
    stopped.process.terminate()
    Path(f"{gate}1").unlink()
    assert stopped.process.wait(120) == STOPPED, stopped.log.read_text()
    assert "was told to stop, and saved a checkpoint" in stopped.log.read_text().splitlines()[-1]

    Path(f"{gate}3").touch()
    killed = start(task, 3)
    assert killed.ranks(2), "it goes on after what was finished"
    assert not killed.ranks(1)
    os.kill(killed.ranks(3)["1"], signal.SIGKILL)
    Path(f"{gate}3").unlink()
    assert killed.process.wait(120) == KILLED, killed.log.read_text()
    assert "script train.py was ended by SIGKILL" in killed.log.read_text().splitlines()[-1]
    assert not any(map(is_alive, killed.ranks(3).values()))

    resumed = small.step(task, "train")
    assert resumed.code == 0, resumed.err
    assert resumed.outputs == {"model": model}, "the same bytes, with the random draws of both"
    assert result.with_name("metrics.json").read_text() == said, "all of the curve, each point once"


APART = """
import torch
from mlplane import training

training.seed()
data = training.dataset("train").tensors()
model = torch.nn.Linear(1, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
kept = training.checkpoints(60, model=model, optimizer=optimizer)
for batch in training.loader(data, 40):
    torch.nn.functional.cross_entropy(model(batch["x"]), batch["y"]).backward()
    optimizer.step()
kept.save(1)
"""


def test_processes_that_each_learn_from_a_part_alone_are_refused(small):
    done = small.step(committed(small, APART), "train")
    assert done.code == 1
    assert "the 2 processes hold different weights of model: wrap the model in" in done.err


def rows(bench) -> dict[str, torch.Tensor]:
    """The rows of the split, as the script gets them."""
    import pyarrow.parquet

    [file] = (bench.store / "datasets").glob("*/*/train.parquet")
    table = pyarrow.parquet.read_table(file)
    x = torch.tensor(table["x"].to_pylist(), dtype=torch.float32).reshape(-1, 1)
    return {"x": x, "y": torch.tensor(table["y"].to_pylist())}


FAILS = """
import os, sys, time
if os.environ["RANK"] == "1":
    raise ValueError("this one is to blame")
time.sleep(0.5)
sys.stderr.write("RuntimeError: the other one has gone\\n")
sys.exit(3)
"""


def test_the_process_that_failed_first_is_told_last(small):
    done = small.step(committed(small, FAILS), "train")
    assert done.code == 1
    *_, blamed, last = done.err.splitlines()
    assert blamed == "ValueError: this one is to blame"
    assert last == "mlplane train: script train.py failed with exit code 1; its last lines say why"
    assert "process 1 failed first, with these last lines:" in done.err
    assert "ChildFailedError" not in done.err


WAITS = """
import os, sys, time
sys.stdout.write(f"process {os.environ['RANK']} {os.getpid()} has finished 0\\n")
sys.stdout.flush()
time.sleep(600)
"""


def test_no_process_outlives_the_step_even_if_it_is_killed(small, start):
    started = start(committed(small, WAITS), 0)
    os.killpg(started.process.pid, signal.SIGKILL)
    started.process.wait()
    eventually(lambda: not any(map(is_alive, started.ranks(0).values())))


@dataclass
class Failure:
    exitcode: int
    timestamp: int


@pytest.mark.parametrize(
    ("failures", "rank"),
    [
        ({1: Failure(1, 100), 0: Failure(-15, 100)}, 1),
        ({0: Failure(1, 100), 1: Failure(-9, 100)}, 1),
        ({0: Failure(1, 100), 1: Failure(-9, 130)}, 0),
        ({0: Failure(75, 100), 1: Failure(75, 100)}, 0),
    ],
    ids=["the rest is told to end", "one was killed", "one did not end by itself", "all were told to stop"],
)
def test_of_several_failures_the_one_that_counts_is_found(failures, rank):
    assert culprit(failures) == rank


@pytest.mark.parametrize(("threads", "share"), [("", "1"), ("16", "4"), ("2", "1"), ("4,2", "1")])
def test_processes_share_the_threads_of_their_container(threads, share):
    assert threads_each(threads, 4) == share
