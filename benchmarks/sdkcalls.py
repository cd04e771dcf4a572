"""``python -m benchmarks.sdkcalls``: what the calls of mlplane's SDK cost within a training of ten minutes.

The calls are those of ``benchmarks/scripts/with_sdk.py``, without the training between them: metrics,
progress and ``save`` of the checkpoints for every hundredth of 98,770 steps, and a checkpoint a minute.
"""

import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from mlplane.api.dataset import DataColumn
from mlplane.training.context import RUN_ENV, RunContext
from mlplane.training.signals import METRICS_ENV, PROGRESS_ENV

REPORTS, CHECKPOINTS = 988, 10


def main() -> None:
    """Measure and print."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "kept").mkdir()
        run = RunContext(
            dataset="rows",
            folder=name,
            columns=(DataColumn(name="label", type="Integer"),),
            splits={"train": 1},
            withheld="test",
            params={},
            seed=1,
            output=name,
            checkpoints=str(folder / "kept"),
        )
        (folder / "run.json").write_text(run.model_dump_json(by_alias=True))
        os.environ[RUN_ENV] = str(folder / "run.json")
        os.environ[METRICS_ENV] = str(folder / "metrics.jsonl")
        os.environ[PROGRESS_ENV] = str(folder / "progress")
        reports, checkpoints = _measured()
    found = {
        "reports": REPORTS,
        "reports_s": reports,
        "checkpoints": CHECKPOINTS,
        "checkpoints_s": checkpoints,
    }
    sys.stderr.write(json.dumps(found) + "\n")


def _measured() -> tuple[float, float]:
    """Seconds of all reports, and of all checkpoints."""
    import torch
    from torch import nn

    from mlplane import training

    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(256, 64)).sum().backward()
    optimizer.step()  # so that the optimiser has its state
    rare = training.checkpoints(3600, model=model, optimizer=optimizer)
    begun = time.perf_counter()
    for number in range(REPORTS):
        training.metrics(step=number, loss=0.5)
        training.progress(number + 1, REPORTS)
        rare.save(number + 1)
    reported = time.perf_counter()
    each = training.checkpoints(0, model=model, optimizer=optimizer)
    for number in range(CHECKPOINTS):
        each.save(number + 1)
    return round(reported - begun, 2), round(time.perf_counter() - reported, 2)


if __name__ == "__main__":
    main()
