"""Pods, and processes under shims."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlplane.local.node import runs
from mlplane.local.node.ending import Ending
from mlplane.local.podfolder import PodFolder

IMAGE = "ghcr.io/mlplane/runtime:1"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[PodFolder]:
    """A pod's folder; whatever runs in it is ended afterwards."""
    made = PodFolder(tmp_path / "pods" / "uid-1")
    made.make()
    yield made
    asyncio.run(Ending(made, grace=0.0).end_all())


@pytest.fixture
def make_pod() -> Callable[..., dict[str, Any]]:
    def make(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
        made = [
            {"name": f"c{n}", "image": IMAGE, "command": ["python"], **c}
            for n, c in enumerate(containers or ({},))
        ]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "ns", "uid": "uid-1"},
            "spec": {"nodeName": "mlplane-local", "containers": made, **spec},
        }

    return make


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    def wait(ask: Callable[[], Any], seconds: float = 10.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            assert time.monotonic() < deadline, "it did not come to that"
            time.sleep(0.02)
        return answer

    return wait


@pytest.fixture
def run_shell(folder: PodFolder) -> Callable[..., None]:
    """Start an attempt of container ``c`` that is a shell script."""

    def start(script: str, attempt: int = 0, **environment: str) -> None:
        runs.start(folder, "c", attempt, ["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin"} | environment)

    return start
