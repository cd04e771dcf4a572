"""The outcomes of the storms as tables for people.

``python -m faults.storms.summary`` writes those of the kept results into the documentation.
"""

import json
import re
from pathlib import Path
from typing import Any

from faults.storms.table import FAULTS, VERBS

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results" / "error-storms.json"
DOCUMENT = ROOT / "docs" / "explanation" / "error-storms.md"


def markdown(found: dict[str, Any]) -> str:
    """One table of faults by verbs for each operator and share, and one of the rest."""
    cells = {(o["operator"], o["storm"]): _cell(o) for o in found["outcomes"]}
    operators = list(dict.fromkeys(o["operator"] for o in found["outcomes"]))
    lines = []
    for share in (1.0, 0.3):
        for operator in operators:
            rows = [
                [fault, *(cells.get((operator, f"{fault} on {verb} p={share}"), "") for verb in VERBS)]
                for fault in FAULTS
            ]
            if rows := [row for row in rows if any(row[1:])]:
                lines += [f"{operator}, p = {share}:", "", *_table(["fault", *VERBS], rows), ""]
    matrix = {f"{fault} on {verb} p={share}" for fault in FAULTS for verb in VERBS for share in (1.0, 0.3)}
    rest = list(dict.fromkeys(o["storm"] for o in found["outcomes"] if o["storm"] not in matrix))
    rows = [[storm, *(cells.get((operator, storm), "") for operator in operators)] for storm in rest]
    return "\n".join([*lines, *_table(["storm", *operators], rows)])


def into(document: str, found: dict[str, Any]) -> str:
    """The document with these outcomes in the place for them."""
    machine = found["machine"]
    head = (
        f"Seconds from the end of the storm to the convergence; **no** is not within "
        f"{found['limit_seconds']:.0f} s; an empty cell was not run. Storms of "
        f"{found['storm_seconds']:.0f} s, {machine['cpus']} CPUs with a load of "
        f"{machine['load']}, Python {machine['python']}."
    )
    text = f"<!-- storms -->\n{head}\n\n{markdown(found)}\n<!-- /storms -->"
    return re.sub(r"<!-- storms -->.*<!-- /storms -->", lambda _: text, document, flags=re.DOTALL)


def _cell(outcome: dict[str, Any]) -> str:
    if outcome["converged_s"] is None:
        return "**no**"
    noise = f", {outcome['writes_afterwards']} writes" if outcome["writes_afterwards"] else ""
    return f"{outcome['converged_s']:.1f}{noise}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]


if __name__ == "__main__":
    DOCUMENT.write_text(into(DOCUMENT.read_text(), json.loads(RESULTS.read_text())))
