"""What a script said about its training: kept with the run, and drawn as curves.

``runs/<key>/metrics.json`` in the store. Neither the run key nor the model's digest depends on it.
Written by ``steps.train``, read by ``steps.evaluate``.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mlplane.errors import Terminal
from mlplane.steps.judging.curves import rounded, thinned
from mlplane.store.artifacts import Store
from mlplane.training.signals import METRICS_LIMIT

SERIES = 16
"""Most curves of a report."""


def metrics_path(key: str) -> str:
    """Where the store keeps the metrics of a run: ``runs/<hex>/metrics.json``."""
    return f"runs/{key.removeprefix('sha256:')}/metrics.json"


def keep_metrics(store: Store, key: str, file: Path) -> None:
    """Store what a script said; nothing, if it said nothing.

    Args:
        store: Where to.
        key: Run key.
        file: What ``training.metrics`` wrote, a document a line; it is the user's, who may have written more.
    """
    if not file.exists():
        return
    with file.open("rb") as stream:
        lines = stream.read(METRICS_LIMIT).splitlines()
    store.put_json(metrics_path(key), {"version": 1, "points": list(_points(lines))})


def training_curves(store: Store, key: str) -> list[dict[str, Any]]:
    """The metrics of a run as curves, at most 200 points each; none where nothing was kept.

    A point without a step has its place among the points of its metric as step.
    """
    try:
        points = (store.get_json(metrics_path(key)) or {}).get("points", [])
    except Terminal:  # no verdict depends on these
        return []
    series: dict[str, list[tuple[int, float]]] = {}
    for point in points:
        for name, value in point["metrics"].items():
            found = series.setdefault(name, [])
            found.append((point.get("step", len(found)), value))
    return [
        {"metric": name, "steps": [found[i][0] for i in kept], "values": [rounded(found[i][1]) for i in kept]}
        for name, found in list(series.items())[:SERIES]
        if (kept := thinned(len(found)))
    ]


def _points(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """What is of the right form; the rest is left out."""
    for line in lines:
        try:
            found = json.loads(line)
            metrics = {str(name): float(v) for name, v in found["metrics"].items() if v is not None}
            step = int(found["step"]) if "step" in found else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            continue
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        yield {"metrics": finite} | ({} if step is None else {"step": step})
