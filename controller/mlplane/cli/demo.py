"""``mlplane demo``: from a commit to a prediction on this machine; nothing to set up, nothing left behind."""

import asyncio
import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

TIMEOUT_SECONDS = 180.0


def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it up until Ctrl-C, and keep its folder afterwards.")
    ] = False,
    record: Annotated[int, typer.Option(min=0, help="Which record of the test split to ask about.")] = 0,
    timeout: Annotated[float, typer.Option(help="Seconds after which to give up.")] = TIMEOUT_SECONDS,
    export: Annotated[Path | None, typer.Option(hidden=True, help="Write the picture as SVG.")] = None,
) -> None:
    """Train, judge and serve a model of handwritten digits from a new git repository."""
    # Before there is a folder; the journey lets signals in while it can answer them, and ignores later ones.
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    from mlplane.cli.journey import Journey

    with _folder(keep) as folder:
        try:
            asyncio.run(Journey(folder, record, export).run(timeout, keep))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


@contextlib.contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    """A new temporary folder; removed again, whatever happens, unless it is to be kept."""
    folder = Path(tempfile.mkdtemp(prefix="mlplane-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
