"""``training.metrics`` and ``training.progress``: what a script says while it runs.

Metrics are lines of JSON on stdout, so that a pod's log is the live source everywhere, and in a file that the
step ``train`` keeps with the run; progress is Argo's progress file as well.
"""

import contextlib
import json
import math
import os
import sys
import uuid
from pathlib import Path
from typing import Any, SupportsFloat

PROGRESS_ENV = "ARGO_PROGRESS_FILE"
METRICS_ENV = "MLPLANE_METRICS"
METRICS_LIMIT = 1 << 20
"""Bytes of the file; what comes later is only printed."""


def metrics(step: int | None = None, **values: SupportsFloat) -> None:
    """Print metrics as one line: ``{"mlplane": {"metrics": {"loss": 0.1}, "step": 3}}``.

    Args:
        step: Where in the training; such as the epoch.
        **values: Anything that is a number, also a tensor with one element. What is not finite is printed as
            null, because JSON has no other word for it.
    """
    numbers = {name: float(value) for name, value in values.items()}
    message: dict[str, Any] = {"metrics": {n: v if math.isfinite(v) else None for n, v in numbers.items()}}
    if step is not None:
        message["step"] = step
    _say(message)
    if file := os.environ.get(METRICS_ENV):
        # Training goes on where metrics cannot be kept.
        with contextlib.suppress(OSError):
            _append(Path(file), json.dumps(message) + "\n")


def progress(done: int, total: int) -> None:
    """Tell how far the training is, for ``kubectl get`` and ``mlplane status``.

    Args:
        done: Number of finished parts, 0 to total.
        total: Number of parts.

    Raises:
        ValueError: the numbers make no sense.
    """
    if not 0 <= done <= total or total == 0:
        raise ValueError(f"progress {done}/{total}: expected 0 <= done <= total, and total > 0")
    _say({"progress": f"{done}/{total}"})
    if file := os.environ.get(PROGRESS_ENV):
        # Training goes on where progress cannot be shown.
        with contextlib.suppress(OSError):
            _replace(Path(file), f"{done}/{total}\n")


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"mlplane": message}) + "\n")
    sys.stdout.flush()


def _append(path: Path, line: str) -> None:
    with path.open("a", encoding="ascii") as stream:
        if stream.tell() + len(line) <= METRICS_LIMIT:
            stream.write(line)


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    partial.write_text(text, encoding="ascii")
    partial.replace(path)
