"""``python -m benchmarks.overhead [SECONDS …]``: what the step ``train`` costs beside the user's script.

The same training (``benchmarks/scripts``) is run bare and in the step, one after the other, so that both meet
the same machine: with no steps at all, which shows what is fixed, and for about as many seconds as are named.
Writes ``benchmarks/results/overhead.json``. Each length takes four times its seconds. Linux only.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RESULTS = Path(__file__).parent / "results" / "overhead.json"
SCRIPTS = Path(__file__).parent / "scripts"
URL = "https://git.example.com/team/overhead.git"
ROWS = 4000
ROUNDS = 2
FIXED_ROUNDS = 5
ROUGHLY = 300
"""Steps by which the speed of this machine is estimated."""


@dataclass(frozen=True)
class Took:
    """One run of a script."""

    wall: float
    cpu: float
    """Of all processes."""
    before: float
    """Seconds until the script's first line."""
    importing: float
    """Of torch."""
    saving: float
    after: float
    """Seconds after the script's last line."""


def main(lengths: list[float]) -> None:
    """Measure, print and write the figures."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        speed = ROUGHLY / (bench.bare(ROUGHLY).wall - bench.bare(0).wall)
        measured = [_pairs(bench, 0, FIXED_ROUNDS)]
        measured += [_pairs(bench, int(seconds * speed), ROUNDS) for seconds in lengths]
    document = {"machine": _machine(), "command": f"python -m benchmarks.overhead {' '.join(sys.argv[1:])}"}
    RESULTS.write_text(json.dumps({**document, "measured": measured}, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


class Bench:
    """A repository with the script, a store with the data, and the step as a process."""

    def __init__(self, root: Path) -> None:
        self.root, self.count = root, 0
        _repository(root / "repo")
        (root / "gitconfig").write_text(f'[url "{root}/repo"]\n\tinsteadOf = {URL}\n')
        self.commit = _git(root / "repo", "rev-parse", "HEAD")
        self.version = json.loads(self._step(self._ingest(), "ingest")[1]["dataset"])
        self._tensors()

    def bare(self, steps: int) -> Took:
        """The script alone."""
        data, target = self.root / "rows.pt", self.root / "bare.pt"
        command = [sys.executable, str(SCRIPTS / "bare.py"), str(steps), str(data), str(target)]
        return _timed(command, dict(os.environ))

    def step(self, steps: int) -> Took:
        """The step ``train`` with the script in it; another seed each time, so that nothing is found."""
        self.count += 1
        return self._step(self._train(steps, self.count), "train")[0]

    def _step(self, task: str, name: str) -> tuple[Took, dict[str, str]]:
        with TemporaryDirectory(dir=self.root) as work:
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": work,
                "MLPLANE_STORE": f"file://{self.root}/store",
                "MLPLANE_TASK": task,
                "MLPLANE_WORK_DIR": work,
                "GIT_CONFIG_GLOBAL": str(self.root / "gitconfig"),
            }
            took = _timed([sys.executable, "-m", "mlplane.steps", name], environment)
            return took, {path.name: path.read_text() for path in (Path(work) / "out").iterdir()}

    def _source(self, path: str) -> dict[str, Any]:
        return {"git": {"url": URL, "path": path, "commit": self.commit}}

    def _ingest(self) -> str:
        columns = [
            {"name": "pixels", "type": "Integer", "width": 64},
            {"name": "label", "type": "Integer"},
        ]
        splits = [{"name": "train", "percent": 80}, {"name": "test", "percent": 20}]
        spec = {"source": self._source("rows.csv"), "format": "CSV", "header": "Absent"}
        return json.dumps({"name": "rows", "spec": {**spec, "columns": columns, "splits": splits}})

    def _train(self, steps: int, seed: int) -> str:
        plan = {"split": "test", "label": "label", "gates": [{"metric": "accuracy", "min": "0"}]}
        spec = {"model": "m", "dataset": {"name": "rows"}, "code": self._source("code"), "seed": seed}
        spec |= {"entrypoint": "with_sdk.py", "params": {"steps": steps}, "evaluation": plan}
        dataset = {"name": "rows", "digest": self.version["digest"]}
        return json.dumps(
            {"spec": spec, "dataset": dataset, "splits": self.version["splits"], "image": "mlplane"}
        )

    def _tensors(self) -> None:
        import torch

        # As many as the step may train on: what fits into a cache decides about speed as well.
        count = next(split["rows"] for split in self.version["splits"] if split["name"] == "train")
        rows = torch.tensor([[float(v) for v in line] for line in _rows()[:count]])
        torch.save({"pixels": rows[:, :64].contiguous(), "label": rows[:, 64].long()}, self.root / "rows.pt")


def _rows() -> list[list[int]]:
    import random

    drawn = random.Random(1)
    return [[*(drawn.randrange(17) for _ in range(64)), drawn.randrange(10)] for _ in range(ROWS)]


def _repository(folder: Path) -> None:
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "with_sdk.py").write_bytes((SCRIPTS / "with_sdk.py").read_bytes())
    (folder / "rows.csv").write_text("".join(",".join(map(str, row)) + "\n" for row in _rows()))
    _git(folder, "init", "-q")
    _git(folder, "add", "-A")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "a")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _timed(command: list[str], environment: dict[str, str]) -> Took:
    begun, clock = time.time(), time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    wall, ended = time.perf_counter() - clock, time.time()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} failed with {process.returncode}")
    said = [json.loads(line)["times"] for line in out.splitlines() if line.startswith('{"times"')]
    first, imported, trained, last = said[0] if said else (ended,) * 4
    cpu = used.ru_utime + used.ru_stime
    return Took(wall, cpu, first - begun, imported - first, last - trained, ended - last)


def _pairs(bench: Bench, steps: int, rounds: int) -> dict[str, Any]:
    """Both ways, one after the other; medians."""
    pairs = [(bench.bare(steps), bench.step(steps)) for _ in range(rounds)]
    bare, step = ([pair[i] for pair in pairs] for i in (0, 1))
    more, more_cpu = (
        statistics.median(getattr(b, what) - getattr(a, what) for a, b in pairs) for what in ("wall", "cpu")
    )
    return {
        "steps": steps,
        "rounds": rounds,
        "load": round(os.getloadavg()[0], 1),
        "bare_wall_s": _median(bare, "wall"),
        "step_wall_s": _median(step, "wall"),
        "bare_cpu_s": _median(bare, "cpu"),
        "step_cpu_s": _median(step, "cpu"),
        "overhead_s": round(more, 2),
        "overhead_cpu_s": round(more_cpu, 2),
        "overhead_percent": round(100 * more / statistics.median(each.wall for each in bare), 2),
        "overhead_cpu_percent": round(100 * more_cpu / statistics.median(each.cpu for each in bare), 2),
        "of_which": {
            "before_the_script_s": _median(step, "before"),
            "export_of_the_model_s": _median(step, "saving"),
            "after_the_script_s": _median(step, "after"),
        },
        "import_of_torch_s": _median(step, "importing"),
    }


def _median(runs: list[Took], name: str) -> float:
    return round(statistics.median(getattr(run, name) for run in runs), 2)


def _machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    main([float(each) for each in sys.argv[1:]] or [60.0])
