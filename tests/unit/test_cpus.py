import os
from pathlib import Path

import pytest

from mlplane.cpus import usable_cpus


@pytest.mark.parametrize(
    ("limit", "want"),
    [
        ("50000 100000", 1),
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("max 100000", None),
        ("nonsense", None),
    ],
)
def test_the_limit_of_the_container_counts_but_never_more_than_the_machine_has(
    tmp_path: Path, limit: str, want: int | None
) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(limit)
    machine = len(os.sched_getaffinity(0))
    assert usable_cpus(file) == min(want or machine, machine)


def test_without_a_limit_all_usable_cpus_count(tmp_path: Path) -> None:
    assert usable_cpus(tmp_path / "missing") == len(os.sched_getaffinity(0))
