"""The profile of a dataset version as a table, two lines for each column, so that it fits into a terminal.

Pure. Called by ``cli.profiles``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlplane.api.judgement import PinnedRef
from mlplane.data.profiles import ColumnProfile, Numbers, Profile

BLOCKS = " ▁▂▃▄▅▆▇"
"""Without the full block, so that lines do not run into each other."""
NAMED = 3
"""Frequent values that are named."""
FREQUENT = 0.01
"""Share of a value that is worth a name."""
LONGEST = 16
"""Characters of a value."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def table(version: PinnedRef, profile: Profile) -> RenderableType:
    """What ``mlplane profile`` shows.

    Args:
        version: The dataset version.
        profile: What its columns hold.
    """
    title = Text.assemble(
        (version.name, "bold"),
        (f" {version.digest[:19]}", "magenta"),
        f"  {profile.rows:,} records, {len(profile.columns)} columns",
    )
    lines = Table(
        box=box.SIMPLE_HEAD, show_edge=False, header_style="dim", pad_edge=False, padding=(0, 1, 0, 0)
    )
    lines.add_column("column", overflow="fold")
    lines.add_column("missing", no_wrap=True, justify="right")
    lines.add_column("distinct", no_wrap=True, justify="right")
    lines.add_column("shape", no_wrap=True, style="cyan")
    lines.add_column("values", overflow="fold")
    for column in profile.columns:
        lines.add_row(*_line(column))
    note = "min … median … max, mean ± deviation; or frequent values. Distinct and median are estimates."
    return Group(title, Text(), lines, Text(f"\n{note}", style="dim"))


def bars(counts: Sequence[int]) -> str:
    """A block for each count, the highest for the largest; none for nothing, and a low one for little."""
    largest = max(counts, default=0) or 1
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[-(-count * steps // largest)] for count in counts)


def number(value: float, type_: str) -> str:
    """A number in few characters; of a Timestamp, its day."""
    if type_ == "Timestamp":
        try:
            return f"{_EPOCH + timedelta(microseconds=value):%Y-%m-%d}"
        except OverflowError:  # before the year 1, or after 9999
            return f"{value:.4g} µs"
    if abs(value) < 10**7 and (isinstance(value, int) or abs(value) >= 1000):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _line(column: ColumnProfile) -> list[Text]:
    width = f"[{column.width}]" if column.width else ""
    share = column.nulls / column.looked_at if column.looked_at else 0
    shape, values = _of_numbers(column.numbers, column.type) if column.numbers else _of_texts(column)
    return [
        Text.assemble((column.name, "bold"), (f"\n{column.type}{width}", "dim")),
        Text(percent(share), "yellow") if column.nulls else Text("-", "dim"),
        Text(f"{column.distinct:,}"),
        Text(shape),
        Text(values),
    ]


def _of_numbers(found: Numbers, type_: str) -> tuple[str, str]:
    low, median, high = (number(value, type_) for value in (found.min, found.deciles[4], found.max))
    values = f"{low} … {median} … {high}"
    if found.std is not None and type_ != "Timestamp":
        values += f"\n{number(found.mean, type_)} ± {number(found.std, type_)}"
    return bars(found.histogram.counts), values


def _of_texts(column: ColumnProfile) -> tuple[str, str]:
    """Frequent values; where none is frequent, or they are bytes, how long they are."""
    if column.top and column.top[0].count >= FREQUENT * column.looked_at:
        shares = [f"{printable(each.value)} {percent(each.count / column.looked_at)}" for each in column.top]
        more = ", …" if len(shares) > NAMED else ""
        return bars([each.count for each in column.top]), ", ".join(shares[:NAMED]) + more
    if column.lengths:
        unit = "characters" if column.type == "String" else "bytes"
        return "", f"{column.lengths.min:,} to {column.lengths.max:,} {unit}"
    return "", ""


def percent(share: float) -> str:
    """A share as people read it; what is not nothing never looks as if it were."""
    if 0 < share < 0.001:
        return "<0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def printable(value: str) -> str:
    """A value of the data as it can stand in a terminal: one that holds commands for it cannot give them."""
    text = "".join(char if char.isprintable() else "·" for char in value)
    return repr("") if not text else text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
