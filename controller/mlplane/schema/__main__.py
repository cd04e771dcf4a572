"""``python -m mlplane.schema``: write ``crds/`` and ``schemas/`` of the repository, or check for drift."""

import argparse
import sys
from pathlib import Path

from mlplane.schema.generated import drift, generated_files, stale

_ROOT = Path(__file__).resolve().parents[3]


def main(arguments: list[str]) -> int:
    """Write the files, or with ``--check`` say how they differ; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlplane.schema", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 if a file is out of date"
    )
    parser.add_argument("--root", type=Path, default=_ROOT, help="the repository (default: this one)")
    options = parser.parse_args(arguments)
    wanted = generated_files()
    if options.check:
        difference = drift(options.root, wanted)
        sys.stdout.write(difference)
        return 1 if difference else 0
    for path in stale(options.root, wanted):
        (options.root / path).unlink()
    for path, text in wanted.items():
        target = options.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
