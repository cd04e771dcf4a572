"""Local mode is a cluster, not a branch: nothing outside ``local`` and ``cli`` asks where it runs."""

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "controller" / "mlplane"
CONTROL_PLANE = (
    "api",
    "schema",
    "adapters",
    "reconcilers",
    "cluster",
    "engine",
    "handlers.py",
    "controller.py",
)
ASKS = re.compile(r"\b(is_local|if local|local_mode|local_plane|embedded)\b")


def test_the_control_plane_never_asks_whether_it_is_local():
    files = [
        p
        for part in CONTROL_PLANE
        for p in ([PACKAGE / part] if part.endswith(".py") else (PACKAGE / part).rglob("*.py"))
    ]
    assert len(files) > 15
    asking = {p.name: line for p in files for line in p.read_text().splitlines() if ASKS.search(line)}
    assert asking == {}
