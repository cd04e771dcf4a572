"""How many CPUs this process may use; torch would otherwise start a thread for each of the machine."""

import math
import os
from pathlib import Path

_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")


def usable_cpus(cgroup_limit: Path = _CGROUP_LIMIT) -> int:
    """CPUs by affinity and by the limit of the container (cgroup v2), at least one."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, _limit(cgroup_limit) or cpus))


def _limit(path: Path) -> int | None:
    """CPUs that a cgroup grants, rounded up; None without a limit. The file holds ``<quota> <period>``."""
    try:
        quota, period = path.read_text(encoding="ascii").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return None
