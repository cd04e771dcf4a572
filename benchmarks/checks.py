"""``python -m benchmarks.checks``: how long the checks of a dataset take on one core, and in how much memory.

One million and four million records of 20 columns with a check of every kind (``benchmarks.records``), and
the same rules with pandas on a million. Each is measured in a process of its own that has one core; the
results of both are compared. Writes ``benchmarks/results/checks.json``. Linux only.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RESULTS = Path(__file__).parent / "results" / "checks.json"
SIZES = (1_000_000, 4_000_000)
NOW = datetime(2026, 1, 13, tzinfo=UTC)
MINUTE = 60


def main() -> None:
    """Measure everything, print a table and write the figures."""
    from benchmarks.records import write

    from mlplane.data.profiling import profile_of

    with TemporaryDirectory() as folder:
        root = Path(folder)
        earlier = write(root / "earlier.parquet", 200_000, seed=1)
        profile_of(earlier, root).write(root)
        measured = []
        for rows in SIZES:
            write(root / "staged.parquet", rows, seed=2)
            measured += [_measured(what, root, rows) for what in ("checks", "profile")]
            if rows == SIZES[0]:
                measured.append(_measured("pandas", root, rows))
    _report(measured)


def _measured(what: str, root: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.checks", what, str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"what": what, "rows": rows, **json.loads(done.stdout)}


def _report(measured: list[dict[str, Any]]) -> None:
    found = {(each["what"], each["rows"]): each for each in measured}
    small, large = (found["checks", rows] for rows in SIZES)
    peer = found["pandas", SIZES[0]]
    assert small["found"] == peer["found"], "mlplane and pandas disagree"
    assert small["wall_seconds"] < MINUTE, "a million records took a minute"
    for each in measured:
        del each["found"]
    document = {
        "machine": {
            "cpus": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
        },
        "columns": 20,
        "measured": measured,
        "ratio_to_pandas": {
            key: round(small[key] / peer[key], 2) for key in ("wall_seconds", "cpu_seconds", "peak_mib")
        },
        "memory_of_four_times_the_records": round(large["peak_mib"] / small["peak_mib"], 2),
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    for each in measured:
        print(
            "{what:8} {rows:9,} rows {wall_seconds:7.1f} s {cpu_seconds:7.1f} s CPU {peak_mib:6} MiB".format(
                **each
            )
        )
    print(json.dumps(document["ratio_to_pandas"]))


def _measure(what: str, root: Path) -> None:
    """In a process of its own: do one thing on one core, and print what it took."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    work = {"checks": _checks, "profile": _profile, "pandas": _pandas}[what](root)
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}
    rounded = {key: round(seconds, 2) for key, seconds in took.items()}
    print(json.dumps({**rounded, "peak_mib": _peak_mib(), "found": found}))


def _peak_mib() -> int:
    """Most memory that this process had; ``ru_maxrss`` would count what its parent had, too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


def _checks(root: Path) -> Callable[[], Any]:
    from benchmarks.records import CHECKS, COLUMNS, opened

    from mlplane.data.checks import plan_checks, run_checks
    from mlplane.data.profiles import Profile

    earlier = Profile.model_validate_json((root / "profile.json").read_bytes())
    plan = plan_checks(COLUMNS, CHECKS, lambda _: earlier)
    staged = opened(root / "staged.parquet")

    def work() -> dict[str, Any]:
        results = run_checks(plan, staged, NOW, root / "spill")
        return {r.name: [r.count or int(r.verdict != "Passed"), list(r.rows)] for r in results}

    return work


def _profile(root: Path) -> Callable[[], Any]:
    from benchmarks.records import opened

    from mlplane.data.profiling import profile_of

    staged = opened(root / "staged.parquet")
    return lambda: len(profile_of(staged, root / "spill").columns)


def _pandas(root: Path) -> Callable[[], Any]:
    from benchmarks.peers.pandas_checks import check

    from mlplane.data.profiles import Profile

    earlier = Profile.model_validate_json((root / "profile.json").read_bytes())
    return lambda: {name: list(found) for name, found in check(root / "staged.parquet", earlier, NOW).items()}


if __name__ == "__main__":
    if sys.argv[1:]:
        _measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
