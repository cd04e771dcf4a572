"""The processes of a plane, each by itself: started, killed and started again as a test wants."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlplane.api.refs import Ref
from mlplane.cluster.port import Cluster
from mlplane.errors import Transient
from mlplane.local.state import State


@dataclass
class Process:
    """A Python program."""

    arguments: tuple[str, ...]
    """Those of the interpreter."""
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, *self.arguments],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Whether it was started and lives no more."""
        return self.running is not None and self.running.poll() is not None

    def kill(self) -> None:
        """SIGKILL; back when it is dead."""
        assert self.running is not None
        self.running.kill()
        self.running.wait(60)

    def stop(self, seconds: float = 20) -> None:
        """SIGTERM, if it lives; back when it has ended."""
        if self.running is None or self.has_ended():
            return
        self.running.send_signal(signal.SIGTERM)
        try:
            self.running.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


def apiserver(state: State) -> Process:
    """The API server of a state folder."""
    return Process(("-m", "mlplane.local.apiserver", "--state", str(state.root)), state.log("apiserver"))


async def answers(cluster: Cluster) -> bool:
    """Whether the API server is there."""
    try:
        return await cluster.get(Ref("v1", "Namespace", "", "default")) is not None
    except Transient:
        return False


async def eventually(
    look: Callable[[], Any | Awaitable[Any]], what: str, seconds: float = 60.0, every: float = 0.02
) -> Any:
    """The first true answer of ``look``, plain or async; fails with the last answer when time is up."""
    found = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = look()
                found = await answer if asyncio.iscoroutine(answer) else answer
                if found:
                    return found
                await asyncio.sleep(every)
    except TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}; last answer: {found!r}") from None
