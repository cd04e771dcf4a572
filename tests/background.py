"""A command that goes on while a test reads what it prints. No test waits for ever for a line."""

import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 60.0
"""Seconds that a line, or the end, may take on a slow machine; less than the time of a test."""


class Background:
    """A started command. Both of its outputs are read as one, from the start, by a thread."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._printed: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._printed.append(line)
            self._lines.put(line)
        self._lines.put(None)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self.process.pid

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def line(self, seconds: float = PATIENCE) -> str:
        """The next line; fails with all that was printed if none comes in time, or none at all."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"no line within {seconds} s; {self._story()}") from None
        if line is None:
            self._lines.put(None)
            raise AssertionError(f"it ended with {self.process.wait(PATIENCE)}; {self._story()}")
        return line

    def lines(self, count: int) -> list[str]:
        """The next lines."""
        return [self.line() for _ in range(count)]

    def rest(self, seconds: float = PATIENCE) -> str:
        """What it prints from here to its end; fails with all that was printed if it does not end in time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {seconds} s; {self._story()}") from None
        self._reader.join(PATIENCE)
        found = []
        while (line := self._lines.get(timeout=PATIENCE)) is not None:
            found.append(line)
        self._lines.put(None)
        return "".join(found)

    def end(self) -> None:
        """Kill it if it still runs, and let everything go."""
        self.process.kill()
        self.process.wait()
        self._reader.join(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _story(self) -> str:
        return f"{self.process.args} printed:\n{''.join(self._printed)}"
