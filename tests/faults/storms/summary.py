"""The outcomes of the storms as tables for people.

``python -m faults.storms.summary`` writes those of the kept results into the documentation.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from faults.storms.table import FAULTS, VERBS, storms

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
    text = f"<!-- storms -->\n{_head(found)}\n\n{markdown(found)}\n<!-- /storms -->"
    return re.sub(r"<!-- storms -->.*<!-- /storms -->", lambda _: text, document, flags=re.DOTALL)


def _head(found: dict[str, Any]) -> str:
    machine, outcomes = found["machine"], found["outcomes"]
    lengths = _all(f"{outcome['storm_seconds']:.0f}" for outcome in outcomes)
    revisions = _all(outcome["revision"][:12] for outcome in outcomes)
    loads = [outcome["load"] for outcome in outcomes]
    good = {
        operator: sum(o["good"] for o in outcomes if o["operator"] == operator)
        for operator in dict.fromkeys(o["operator"] for o in outcomes)
    }
    sums = ", ".join(f"{number} of {len(list(storms()))} for {operator}" for operator, number in good.items())
    return (
        f"Seconds from the end of the storm to the convergence; **no** is not within "
        f"{found['limit_seconds']:.0f} s; an empty cell was not run. Converged and quiet: {sums}. "
        f"Storms of {lengths} s on the code of {revisions}; {machine['cpus']} CPUs, Python "
        f"{machine['python']}, a load of {min(loads)} to {max(loads)}, much of it from other work."
    )


def _all(texts: Iterable[str]) -> str:
    return " and ".join(sorted(set(texts)))


def _cell(outcome: dict[str, Any]) -> str:
    if outcome["converged_s"] is None:
        return "**no**"
    noise = f", {outcome['writes_afterwards']} writes" if outcome["writes_afterwards"] else ""
    return f"{outcome['converged_s']:.1f}{noise}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows]]


if __name__ == "__main__":
    DOCUMENT.write_text(into(DOCUMENT.read_text(), json.loads(RESULTS.read_text())))
