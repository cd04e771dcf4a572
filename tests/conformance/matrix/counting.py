"""The table of docs/reference/conformance.md: how many cells there are for each verb and client."""

from collections import Counter
from pathlib import Path

from conformance.matrix.cell import CLIENTS, Cell

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "conformance.md"


def table(cells: list[Cell]) -> str:
    """The table as Markdown."""
    counts = Counter((cell.verb, cell.client) for cell in cells)
    rows = [
        [verb, *(str(counts[verb, client]) for client in CLIENTS), str(_sum(counts, verb))]
        for verb in sorted({cell.verb for cell in cells})
    ]
    rows.append(
        ["all", *(str(sum(c.client == client for c in cells)) for client in CLIENTS), str(len(cells))]
    )
    head = ["verb", *CLIENTS, "all"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _sum(counts: Counter[tuple[str, str]], verb: str) -> int:
    return sum(counts[verb, client] for client in CLIENTS)
