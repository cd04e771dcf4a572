"""What came of each crash point so far, a line each: a run that is stopped loses nothing, and can go on.

References are kept in the same way. Lines of other code, or with another quiet at the end, stay in the file
and do not count.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from faults.crash.variant import Outcome
from faults.crash.world import Point

FILE = Path(__file__).parents[3] / "build" / "crash-points.jsonl"
OF_REFERENCES = ("state", "counts", "setbacks", "classes")
"""What is needed of references alone, and long."""


class Journal:
    """The file, for one revision of the code."""

    def __init__(self, file: Path, revision: str, quiet_s: float) -> None:
        self._file = file
        self._mark = {"revision": revision, "quiet_seconds": quiet_s}

    def outcomes(self) -> list[Outcome]:
        """Those of crash points; of each the last one."""
        found = {(o.scenario, o.point): o for o in self._read() if o.point}
        return list(found.values())

    def references(self) -> dict[str, Outcome]:
        """The last one of each story."""
        return {o.scenario: o for o in self._read() if not o.point}

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome."""
        fields = asdict(outcome) | {"setbacks": sorted(outcome.setbacks)}
        fields["point"] = str(outcome.point) if outcome.point else ""
        if outcome.point:
            fields = {name: value for name, value in fields.items() if name not in OF_REFERENCES}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps(self._mark | fields) + "\n")

    def _read(self) -> Iterator[Outcome]:
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        for fields in map(json.loads, lines):
            if self._mark.items() <= fields.items():
                yield _outcome({name: value for name, value in fields.items() if name not in self._mark})


def _outcome(fields: dict[str, Any]) -> Outcome:
    fields["point"] = Point.parse(fields["point"]) if fields["point"] else None
    fields["setbacks"] = set(fields.get("setbacks", ()))
    fields["counts"] = {name: tuple(both) for name, both in fields.get("counts", {}).items()}
    return Outcome(**fields)
