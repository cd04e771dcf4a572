"""What a script said about its training: kept with the run, and drawn as curves.

``runs/<key>/metrics.json`` in the store. Neither the run key nor the model's digest depends on it.
Written by ``steps.train``, read by ``steps.evaluate`` and ``steps.choosing``.
"""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlplane.errors import Terminal
from mlplane.steps.judging.curves import rounded, thinned
from mlplane.steps.workspace import run_path
from mlplane.store.artifacts import Store
from mlplane.training.signals import METRICS_LIMIT, late_file

SERIES = 16
"""Most curves of a report."""
_VALUES = TypeAdapter(dict[str, float | None])


def metrics_path(key: str) -> str:
    """Where the store keeps the metrics of a run."""
    return run_path(key, "metrics")


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
        said = list(_said(stream.read(METRICS_LIMIT).splitlines()))
    late = late_file(file)
    last = said + list(_said([late.read_bytes()] if late.exists() else []))
    points = [point | {"metrics": finite} for point in said if (finite := _finite(point["metrics"]))]
    document = {"version": 1, "points": points, "last": {k: v for p in last for k, v in p["metrics"].items()}}
    store.put_json(metrics_path(key), document)


def last_values(store: Store, key: str) -> dict[str, float | None]:
    """The last value of each metric of a run; None where that was no finite number.

    Raises:
        Terminal: what was kept is damaged.
        Transient: the store fails.
    """
    document = store.get_json(metrics_path(key)) or {}
    try:
        return _VALUES.validate_python(document.get("last", {}))
    except ValidationError as error:
        raise Terminal(f"{metrics_path(key)} in the store {store.url} is damaged: {error}") from error


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


def _said(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """What is of the right form; the rest is left out. What is no finite number is None."""
    for line in lines:
        try:
            found = json.loads(line)
            metrics = {str(name): None if v is None else float(v) for name, v in found["metrics"].items()}
            step = int(found["step"]) if "step" in found else None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            continue
        numbers = {n: None if v is None or not math.isfinite(v) else v for n, v in metrics.items()}
        yield {"metrics": numbers} | ({} if step is None else {"step": step})


def _finite(metrics: dict[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None}
