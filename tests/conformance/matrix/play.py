"""Plays cells against a server and gives what was seen, in the form of the recordings."""

import contextlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import yaml

from conformance.matrix import changes, steps
from conformance.matrix.cell import HERE, KINDS, Body, Cell
from conformance.matrix.scene import RUN, Scene, eventually
from conformance.matrix.target import Target

AT_ONCE = 6
"""Cells at a time. Most of a cell is waiting for a process to start, or for a server."""

DEFINITIONS = [body for body in yaml.safe_load_all((HERE / "definitions.yaml").read_text()) if body]
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def define(target: Target) -> None:
    """Create the kinds of the matrix and wait until all of them are served."""
    for body in DEFINITIONS:
        name = body["metadata"]["name"]
        answer = target.http("POST", _CRDS, body)
        assert answer.status in (201, 409), answer.data.decode()
        plural, _, group = name.partition(".")
        eventually(
            lambda path=f"/apis/{group}/v1/{plural}": target.http("GET", path).status == 200,
            f"{name} is served",
            target.patience,
        )
    target.kubectl("api-resources")


def forget(target: Target) -> None:
    """Delete the kinds of the matrix, and what its cells have left outside of their namespaces."""
    for body in DEFINITIONS:
        target.http("DELETE", f"{_CRDS}/{body['metadata']['name']}")
    for kind in KINDS.values():
        path = kind.path("")
        for item in [] if kind.namespaced else target.http("GET", path).body.get("items", []):
            if RUN in item["metadata"]["name"]:
                target.http("DELETE", f"{path}/{item['metadata']['name']}")


@contextlib.contextmanager
def operating(target: Target) -> Iterator[None]:
    """A Kopf operator for all namespaces, as a process of its own."""
    script = HERE / "operator_under_test.py"
    with target.operator_log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "kopf", "run", "--standalone", "-A", str(script)],
            env=target.environment | {"PYTHONUNBUFFERED": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def play(target: Target, cell: Cell) -> Body:
    """Set a cell up, do its steps, and give the answers and the changes."""
    scene = Scene(target, cell)
    try:
        scene.set_up()
        before = scene.look()
        seen: list[Any] = []
        for step in cell.steps:
            answer = steps.run(scene, step)
            if step.get("look"):
                after = scene.look()
                answer = {**(answer or {}), "changed": changes.between(before, after)}
                before = after
            if answer is not None and not step.get("quiet"):
                seen.append(answer)
        after = scene.look()
        stored = {name: found["body"] for name, found in after.items()}
        return {"answers": _shortened(seen, stored), "changed": changes.between(before, after)}
    finally:
        with contextlib.suppress(OSError):
            scene.tear_down()


def _shortened(value: Any, stored: Body) -> Any:
    """An object that is what is stored in the end is written as that."""
    if isinstance(value, list):
        return [_shortened(each, stored) for each in value]
    if isinstance(value, dict):
        for name, body in stored.items():
            if value == body:
                return f"({name} as it is now)"
        return {key: _shortened(each, stored) for key, each in value.items()}
    return value


class Players:
    """Plays many cells at once; each has a future."""

    def __init__(self, target: Target, cells: Iterable[Cell]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self.futures: dict[str, Future[Body]] = {
            cell.name: self._pool.submit(play, target, cell) for cell in cells
        }

    def close(self) -> None:
        """Wait for what is playing; what has not begun does not begin."""
        self._pool.shutdown(cancel_futures=True)
