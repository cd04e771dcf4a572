"""``python -m mlplane.store download URL DIR``: exits 0, or 1 (no retry will help) or 2 (one may help)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mlplane.errors import MlplaneError, Transient
from mlplane.store.download import download


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; a failure is one line on stderr. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mlplane.store", description="Artifacts of the store.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("download", help="copy an artifact to a directory and verify it")
    command.add_argument("url", metavar="URL", help="<store>/<kind>/<name>/sha256-<hex>, as fsspec URL")
    command.add_argument("directory", metavar="DIR", type=Path, help="where to")
    options = parser.parse_args(arguments)
    try:
        digest = download(options.url, options.directory)
    except MlplaneError as error:
        sys.stderr.write(f"mlplane store: {error}\n")
        return 2 if isinstance(error, Transient) else 1
    sys.stdout.write(f"{digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
