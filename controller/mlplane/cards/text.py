"""Text from values that others have chosen: nothing in them becomes markup, or a command for a terminal."""

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*\[\]<>|&#~$])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])")


def one_line(text: object) -> str:
    """Text on one line, with a dot for each character that is not shown but obeyed."""
    return "".join(char if char.isprintable() else "·" for char in " ".join(str(text).split()))


def plain(text: object) -> str:
    """Markdown that is shown as the text is, on one line."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table of cells that are Markdown.

    Args:
        head: Titles of the columns.
        rows: Cells of each line.
        right: Indices of the columns that are aligned to the right.
    """
    rule = ["---:" if index in right else "---" for index in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def brief(digest: str) -> str:
    """A digest or a commit as people name it."""
    kind, _, value = digest.rpartition(":")
    return f"{kind}:{value[:12]}" if kind else value[:12]


def short(digest: str) -> str:
    """The same as code of Markdown."""
    return f"`{brief(digest)}`"


def wrapped(name: str, width: int = 22) -> str:
    """A long name on several lines, broken at underscores where it has any."""
    lines = [""]
    for part in name.replace("_", "_\n").split("\n"):
        pieces = [part[i : i + width] for i in range(0, len(part), width)] or [""]
        for piece in pieces:
            if len(lines[-1]) + len(piece) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join(lines)
