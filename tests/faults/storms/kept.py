"""The outcomes so far, in a file that is written after each storm: a run that is stopped loses nothing."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from faults.storms.campaign import LIMIT_S, Outcome
from faults.storms.table import Storm, storms


class Kept:
    """Outcomes of this and of earlier calls; the latest of each operator in each storm."""

    def __init__(self, file: Path | None, revision: str, storm_s: float) -> None:
        self.file, self._revision, self._storm_s = file, revision, storm_s
        kept = json.loads(file.read_text())["outcomes"] if file and file.exists() else []
        self._outcomes: dict[tuple[str, str], dict[str, Any]] = {(o["operator"], o["storm"]): o for o in kept}

    def left(self, operator: str, chosen: list[Storm]) -> list[Storm]:
        """Those without an outcome of this revision; those without any outcome first."""
        due = [storm for storm in chosen if not self._is_of_now((operator, storm.name))]
        return sorted(due, key=lambda storm: (operator, storm.name) in self._outcomes)

    def _is_of_now(self, key: tuple[str, str]) -> bool:
        found = self._outcomes.get(key, {})
        return (found.get("revision"), found.get("storm_seconds")) == (self._revision, self._storm_s)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, and write the file."""
        mine = {
            "revision": self._revision,
            "storm_seconds": self._storm_s,
            "load": round(os.getloadavg()[0], 1),
        }
        self._outcomes[outcome.operator, outcome.storm] = outcome.to_json() | mine
        if self.file:
            self.file.parent.mkdir(exist_ok=True)
            partial = self.file.with_suffix(".partial")
            partial.write_text(json.dumps(self.found(), indent=1) + "\n")
            partial.replace(self.file)

    def found(self) -> dict[str, Any]:
        """All of them in the order of the table."""
        places = {storm.name: place for place, storm in enumerate(storms())}
        order = sorted(self._outcomes, key=lambda key: (places.get(key[1], -1), key[0] != "mlplane"))
        return {
            "machine": {
                "cpus": os.cpu_count(),
                "system": f"{platform.system()} {platform.release()}",
                "python": platform.python_version(),
            },
            "limit_seconds": LIMIT_S,
            "outcomes": [self._outcomes[key] for key in order if key[1] in places],
        }
