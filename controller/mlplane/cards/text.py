"""Markdown from values that others have chosen: nothing in them can become markup."""

import re
from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*\[\]<>|&#~])|(?<![A-Za-z0-9])(_)|(_)(?![A-Za-z0-9])")


def plain(text: object) -> str:
    """Text that is shown as it is, on one line."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(str(text).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> str:
    """A table of cells that are Markdown.

    Args:
        head: Titles of the columns.
        rows: Cells of each line.
        right: Indices of the columns that are aligned to the right.
    """
    rule = ["---:" if index in right else "---" for index in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def short(digest: str) -> str:
    """A digest or a commit as people name it."""
    kind, _, value = digest.rpartition(":")
    return f"`{kind}:{value[:12]}`" if kind else f"`{value[:12]}`"
