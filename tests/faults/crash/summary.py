"""What a campaign came to: the table on the screen and in the documentation, and the JSON that is kept.

``python -m faults.crash.summary`` writes the table of the kept results into the documentation.
"""

import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from faults.crash.campaign import Campaign, sides
from faults.crash.scenarios import SCENARIOS
from faults.crash.variant import Outcome
from faults.crash.world import PARTS

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results" / "crash-points.json"
DOCUMENT = ROOT / "docs" / "explanation" / "crash-points.md"


def summary(campaign: Campaign, revision: str) -> dict[str, Any]:
    """All that is worth keeping."""
    rows = [
        _row(campaign, name, part)
        for name in SCENARIOS
        for part in PARTS
        if name in campaign.references and campaign.references[name].writes[part]
    ]
    return {
        "revision": revision,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[2], 1),
        },
        "quiet_seconds": campaign.quiet_s,
        "stories_at_once": campaign.jobs,
        **{name: sum(row[name] for row in rows) for name in SUMS},
        "rows": rows,
        "failures": [_failure(o) for o in _all(campaign) if o.faults],
    }


SUMS = ("all_points", "points", "converged", "classes", "classes_tried")


def _all(campaign: Campaign) -> list[Outcome]:
    return [*campaign.references.values(), *campaign.outcomes]


def _row(campaign: Campaign, name: str, part: str) -> dict[str, Any]:
    tried = [o for o in campaign.outcomes if o.scenario == name and o.point and o.point.part == part]
    reached = [o for o in tried if o.killed]
    hit = {(o.killed_class, o.point.after) for o in reached if o.point}
    known = {(each, after) for each in campaign.references[name].classes[part] for after in sides(part)}
    writes = campaign.references[name].writes[part]
    by_class = sum(1 for o in tried if o.point and o.point.of)
    return {
        "scenario": name,
        "process": part,
        "writes": writes,
        "all_points": writes * len(sides(part)) + by_class,
        "points": len(reached),
        "converged": len([o for o in reached if not o.faults]),
        # Runs differ by a few writes: the last ones of the longest do not come in each.
        "not_reached": len(tried) - len(reached),
        # A class on each side counts by itself; runs have some that the reference has not.
        "classes": len(known | hit),
        "classes_tried": len(hit),
        "slowest_seconds": round(max((o.seconds for o in reached), default=0.0), 1),
    }


def _failure(outcome: Outcome) -> dict[str, Any]:
    return {
        "scenario": outcome.scenario,
        "point": str(outcome.point),
        "killed_at": outcome.killed,
        "faults": outcome.faults[:20],
    }


def table(found: dict[str, Any]) -> str:
    """Stories by processes as a Markdown table."""
    cells = {(row["scenario"], row["process"]): _cell(row) for row in found["rows"]}
    lines = [("story", *PARTS), ("---", *("--:" for _ in PARTS))]
    lines += [
        (name, *(cells.get((name, part), "") for part in PARTS))
        for name in dict.fromkeys(row["scenario"] for row in found["rows"])
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: dict[str, Any]) -> str:
    points = f"{row['converged']}/{row['points']} of {row['all_points']}"
    return f"{points}; {row['classes_tried']}/{row['classes']}"


def head(found: dict[str, Any]) -> str:
    """The sums in a few sentences."""
    machine = found["machine"]
    return (
        f"On {found['date']}, {found['points']:,} of {found['all_points']:,} crash points were told, of the "
        f"code of `{found['revision'][:12]}`, with {found['quiet_seconds']:.0f} s of quiet: "
        f"{found['converged']:,} converged. They hit {found['classes_tried']:,} of {found['classes']:,} "
        f"classes of writes, each side of a write by itself. {machine['cores']} cores with a load of "
        f"{machine['load']}, much of it from other work; Python {machine['python']}."
    )


def into(document: str, found: dict[str, Any]) -> str:
    """The document with these results in the place for them."""
    text = f"<!-- crashes -->\n{head(found)}\n\n{table(found)}\n<!-- /crashes -->"
    return re.sub(r"<!-- crashes -->.*<!-- /crashes -->", lambda _: text, document, flags=re.DOTALL)


if __name__ == "__main__":
    DOCUMENT.write_text(into(DOCUMENT.read_text(), json.loads(RESULTS.read_text())))
