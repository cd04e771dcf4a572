"""What a campaign came to: the table on the screen and in the documentation, and the JSON that is kept."""

import os
import platform
from datetime import UTC, datetime
from typing import Any

from faults.crash.campaign import Campaign
from faults.crash.scenarios import SCENARIOS
from faults.crash.variant import Outcome
from faults.crash.world import PARTS


def summary(campaign: Campaign, seconds: float) -> dict[str, Any]:
    """All that is worth keeping."""
    rows = [
        _row(campaign, name, part)
        for name in SCENARIOS
        for part in PARTS
        if name in campaign.references and campaign.references[name].writes[part]
    ]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "quiet_seconds": campaign.quiet_s,
        "planes_at_once": campaign.jobs,
        "minutes": round(seconds / 60, 1),
        "points": sum(row["points"] for row in rows),
        "converged": sum(row["converged"] for row in rows),
        "rows": rows,
        "failures": [_failure(o) for o in _all(campaign) if o.faults],
    }


def _all(campaign: Campaign) -> list[Outcome]:
    return [*campaign.references.values(), *campaign.outcomes]


def _row(campaign: Campaign, name: str, part: str) -> dict[str, Any]:
    tried = [o for o in campaign.outcomes if o.scenario == name and o.point and o.point.part == part]
    reached = [o for o in tried if o.killed]
    return {
        "scenario": name,
        "process": part,
        "writes": campaign.references[name].writes[part],
        "points": len(reached),
        "converged": len([o for o in reached if not o.faults]),
        # Runs differ by a few writes: the last ones of the longest do not come in each.
        "not_reached": len(tried) - len(reached),
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
    """The rows as a Markdown table."""
    head = ("scenario", "process", "writes", "points", "converged", "slowest, s")
    lines = [head, ("---", "---", *("--:",) * 4)]
    for row in found["rows"]:
        fields = ("scenario", "process", "writes", "points", "converged", "slowest_seconds")
        lines.append(tuple(str(row[name]) for name in fields))
    lines.append(("all", "", "", str(found["points"]), str(found["converged"]), ""))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
