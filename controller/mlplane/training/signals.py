"""``training.metrics`` and ``training.progress``: what a script says while it runs.

Metrics are lines of JSON on stdout, so that a pod's log is the live source everywhere, and in a file that the
step ``train`` keeps with the run; progress is Argo's progress file as well. Of processes that train together,
the first one speaks.
"""

import contextlib
import json
import math
import os
import sys
import uuid
from pathlib import Path
from typing import Any, SupportsFloat

from mlplane.training.distributed import ranks

PROGRESS_ENV = "ARGO_PROGRESS_FILE"
METRICS_ENV = "MLPLANE_METRICS"
METRICS_LIMIT = 1 << 20
"""Bytes of the file; of what comes later, only the last values are kept."""
_late: dict[str, float | None] = {}


def metrics(step: int | None = None, **values: SupportsFloat) -> None:
    """Print metrics as one line: ``{"mlplane": {"metrics": {"loss": 0.1}, "step": 3}}``.

    Args:
        step: Where in the training; such as the epoch.
        **values: Anything that is a number, also a tensor with one element. What is not finite is printed as
            null, because JSON has no other word for it.
    """
    if not ranks().is_main:
        return
    # torch warns of a loss that is not detached.
    numbers = {name: float(getattr(value, "detach", lambda v=value: v)()) for name, value in values.items()}
    message: dict[str, Any] = {"metrics": {n: v if math.isfinite(v) else None for n, v in numbers.items()}}
    if step is not None:
        message["step"] = step
    _say(message)
    if file := os.environ.get(METRICS_ENV):
        # Training goes on where metrics cannot be kept.
        with contextlib.suppress(OSError):
            _keep(Path(file), message)


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
    if not ranks().is_main:
        return
    _say({"progress": f"{done}/{total}"})
    if file := os.environ.get(PROGRESS_ENV):
        # Training goes on where progress cannot be shown.
        with contextlib.suppress(OSError):
            _replace(Path(file), f"{done}/{total}\n")


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({"mlplane": message}) + "\n")
    sys.stdout.flush()


def late_file(path: Path) -> Path:
    """Where the last values of metrics are that came when the file of metrics was full."""
    return path.with_name(f"{path.name}.late")


def said() -> dict[str, Any]:
    """All metrics up to now, for a checkpoint: who goes on from it has the same curves."""
    file = os.environ.get(METRICS_ENV)
    path = Path(file) if file else None
    lines = path.read_text(encoding="ascii") if path and path.exists() else ""
    return {"lines": lines, "late": dict(_late)}


def say_again(before: dict[str, Any]) -> None:
    """Keep these metrics as if this process had said them."""
    if not (file := os.environ.get(METRICS_ENV)):
        return
    _replace(Path(file), before["lines"])
    _late.update(before["late"])
    if _late:
        _replace(late_file(Path(file)), json.dumps({"metrics": _late}))


def _keep(path: Path, message: dict[str, Any]) -> None:
    line = json.dumps(message) + "\n"
    with path.open("a", encoding="ascii") as stream:
        if not _late and stream.tell() + len(line) <= METRICS_LIMIT:
            stream.write(line)
            return
    _late.update(message["metrics"])
    _replace(late_file(path), json.dumps({"metrics": _late}))


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    partial.write_text(text, encoding="ascii")
    partial.replace(path)
