"""The tables of ``mlplane store``."""

from itertools import groupby

from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from mlplane.gitops.collecting import Fate


def usage(fates: list[Fate]) -> Table:
    """A line for each kind and name: versions, bytes, and what keeps them."""
    table = Table("kind", "name", "versions", "size", "kept", box=None, pad_edge=False)
    for (kind, name), group in groupby(fates, lambda fate: (fate.stored.kind, fate.stored.name)):
        found = list(group)
        size = decimal(sum(fate.stored.size for fate in found))
        kept = [fate for fate in found if not fate.goes]
        reasons = "; ".join(dict.fromkeys(fate.why for fate in kept)) or "nothing speaks of it"
        versions = str(len(found)) if len(kept) == len(found) else f"{len(found)}, {len(kept)} kept"
        table.add_row(kind, name, versions, size, escape(reasons))
    table.add_row("", "all", str(len(fates)), decimal(sum(fate.stored.size for fate in fates)), "")
    return table


def plan(fates: list[Fate]) -> Table:
    """A line for each artifact: what becomes of it, and why; those that go come last."""
    table = Table("", "artifact", "size", "why", box=None, pad_edge=False)
    for fate in sorted(fates, key=lambda fate: fate.goes):
        stored = fate.stored
        artifact = f"{stored.kind}/{stored.name}/{stored.digest.replace(':', '-')[:15]}"
        what = "[red]goes[/red]" if fate.goes else "stays"
        table.add_row(what, artifact, decimal(stored.size), escape(fate.why))
    return table


def show(table: Table) -> None:
    """Print a table; a pipe has no width, and what is broken into lines could not be searched."""
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print(table)
