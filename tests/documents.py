"""The commands that the documents show, and what they say comes of them.

A fenced block of language ``console`` is a session: lines that begin with ``$`` are commands (``>`` goes on
with one), what follows is their output; ``…`` stands for lines left out, ``^C`` says that a person ended the
command. In any other block, fenced or indented, the lines that begin with ``kubectl`` are commands.

A line ``> Needs a cluster: REASON`` above a block, or above all of a page's text, excuses its commands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).parents[1]
_FIRST = ("docs/tutorial.md", "docs/tutorial-promotion.md", "README.md")
_LAST = ("docs/how-to/clean-up.md",)
_EXCUSE = re.compile(r"^> Needs a cluster: (.*)$")
_ELLIPSIS = "…"
_SHAPES = (
    (re.compile(r"(?<![\w./-])/[\w./-]+"), "/path"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,64}\b"), "#"),
    (re.compile(r"\b(?:\d+[dhms]|\d+ms)+\b"), "#"),
    (re.compile(r"\d+"), "#"),
    (re.compile(r"\s+"), " "),
)
"""What is another each time: paths, digests, durations, numbers, widths of columns."""


@dataclass(frozen=True)
class Command:
    """One command of a page."""

    page: str
    line: int
    text: str
    output: tuple[str, ...] = ()
    excuse: str | None = None
    """Why it cannot run on a laptop; None if it can."""

    @property
    def is_stopped(self) -> bool:
        """Whether a person ends it."""
        return bool(self.output) and self.output[-1] == "^C"

    @property
    def is_refused(self) -> bool:
        """Whether the page says that it fails."""
        return any(line.startswith(("error:", "Error from server")) for line in self.output)

    @property
    def shown(self) -> tuple[str, ...]:
        """The lines of output that the page shows."""
        return tuple(line for line in self.output if line not in ("^C", ""))

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def pages() -> list[str]:
    """All documents, in the order in which a reader would try their commands."""
    found = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    others = [page for page in found if page not in (*_FIRST, *_LAST)]
    return [page for page in (*_FIRST, *others, *_LAST) if (ROOT / page).exists()]


def commands_of(page: str, text: str | None = None) -> list[Command]:
    """The commands of a page, in their order."""
    lines = ((ROOT / page).read_text() if text is None else text).splitlines()
    of_page = next((m[1] for line in lines[:6] if (m := _EXCUSE.match(line))), None)
    found: list[Command] = []
    for start, language, block in _blocks(lines):
        before = next((line for line in reversed(lines[: start - 1]) if line.strip()), "")
        above = _EXCUSE.match(before)
        excuse = of_page if of_page is not None else above[1] if above else None
        read = _session if language == "console" else _bare
        found += [
            Command(page, start + offset, command, output, excuse) for offset, command, output in read(block)
        ]
    return found


def _blocks(lines: list[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the first line, language and lines of each block of code."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if line.startswith("```"):
            end = next((n for n in range(number + 1, len(lines)) if lines[n].startswith("```")), len(lines))
            yield number + 1, line[3:].strip(), lines[number + 1 : end]
            number = end + 1
        elif line.startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            end = number
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield number, "", dedent("\n".join(lines[number:end])).splitlines()
            number = end
        else:
            number += 1


def _bare(block: list[str]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    for offset, line in enumerate(block, 1):
        if line.startswith("kubectl "):
            yield offset, line, ()


def _session(block: list[str]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    starts = [n for n, line in enumerate(block) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(block)], strict=True):
        more = list(takewhile(lambda line: line.startswith("> "), block[start + 1 : end]))
        command = "\n".join(line[2:] for line in (block[start], *more))
        if "[OPTIONS]" in command:  # how a command is called, in the generated reference
            continue
        yield start + 1, command, tuple(block[start + 1 + len(more) : end])


def shape_of(line: str) -> str:
    """A line without what differs each time."""
    for pattern, stand_in in _SHAPES:
        line = pattern.sub(stand_in, line)
    return line.strip()


def missing_from(output: str, shown: tuple[str, ...]) -> list[str]:
    """The lines that a page shows, from the first on that an output has not; ``…`` stands for any lines."""
    actual = [shape_of(line) for line in output.splitlines() if line.strip()]
    if _ELLIPSIS not in shown and len(actual) != len(shown):
        return [f"{len(shown)} lines are shown, {len(actual)} came"]
    rest = iter(actual)
    wanted = [line for line in shown if line.strip() != _ELLIPSIS]
    return [line for line in wanted if shape_of(line) not in rest]
