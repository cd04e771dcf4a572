"""Which code was tested: results of several calls are put together only if they are of the same one.

Used by ``make faults`` and ``make storms``, both of which go on where an earlier call was stopped.
"""

import hashlib
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTED = ("controller", "crds", "manifests", "benchmarks/peers")
"""What the processes under test are made of."""


def revision(root: Path = ROOT) -> str:
    """The last commit that changed what is tested, and a digest of what was changed since then, if any."""
    commit = _git(root, "log", "-1", "--format=%H").decode().strip()
    changes = _git(root, "diff", "HEAD")
    for path in _git(root, "ls-files", "--others", "--exclude-standard").decode().splitlines():
        changes += path.encode() + (root / path).read_bytes()
    return f"{commit}+{hashlib.sha256(changes).hexdigest()[:12]}" if changes else commit


def _git(root: Path, *arguments: str) -> bytes:
    command = ["git", *arguments, "--", *TESTED]
    return subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
