"""Stages with their times: a live table in a terminal, plain lines elsewhere. Called by ``cli.demo``."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

BAR_WIDTH = 12


@dataclass(frozen=True)
class Line:
    """A stage that is over."""

    name: str
    seconds: float
    detail: str


@dataclass
class Timeline:
    """Stages follow one another: each begins when the one before it ends."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    lines: list[Line] = field(default_factory=list)
    current: str = ""
    detail: str = ""
    _began: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def seconds(self) -> float:
        """Time of all stages that are over."""
        return sum(line.seconds for line in self.lines)

    def begin(self, name: str, detail: str = "") -> None:
        """Say what is being waited for now."""
        self.current, self.detail = name, detail

    def finish(self, name: str, detail: str) -> None:
        """The stage is over now."""
        now = self.clock()
        line = Line(name, now - self._began, detail)
        self._began = now
        self.lines.append(line)
        self.begin("")
        if not self.console.is_terminal:
            self.console.print(f"✓ {line.name:<10} {line.seconds:5.1f} s  {line.detail}", soft_wrap=True)

    def live(self) -> AbstractContextManager[object]:
        """While entered, the table is on the screen and moves."""
        if not self.console.is_terminal:
            return nullcontext()
        return Live(
            get_renderable=self.table,
            console=self.console,
            refresh_per_second=10,
            vertical_overflow="visible",
        )

    def table(self) -> RenderableType:
        """All lines, and the stage that is under way."""
        longest = max((line.seconds for line in self.lines), default=1.0)
        table = Table.grid(padding=(0, 1))
        for line in self.lines:
            bar = "━" * max(1, round(BAR_WIDTH * line.seconds / longest))
            table.add_row(
                Text("✓", "green"),
                Text(line.name, "bold"),
                Text(f"{line.seconds:5.1f} s"),
                Text(f"{bar:<{BAR_WIDTH}}", "cyan"),
                Text(line.detail, "dim", overflow="ellipsis", no_wrap=True),
            )
        if self.current:
            waited = f"{self.clock() - self._began:5.1f} s"
            dots = Spinner("dots", style="cyan")
            table.add_row(
                dots, Text(self.current, "bold"), waited, "", Text(self.detail, "dim", no_wrap=True)
            )
        return table
