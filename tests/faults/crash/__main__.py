"""``make faults``: every crash point, with a bar, a table at the end, and JSON that is kept."""

import argparse
import asyncio
import json
import math
import signal
import sys
import tempfile
import time
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faults.crash.campaign import Campaign, Case, cases
from faults.crash.scenarios import SCENARIOS
from faults.crash.summary import summary, table
from faults.crash.variant import Outcome
from faults.crash.world import Point

console = Console()


async def run(options: argparse.Namespace, folder: Path) -> int:
    """Run what is asked for; the exit code."""
    started = time.monotonic()
    campaign = Campaign(folder, options.quiet, options.jobs)
    await campaign.prepare(options.scenario or SCENARIOS)
    if broken := [o for o in campaign.references.values() if o.faults]:
        console.print("without a crash already:", *((o.scenario, o.faults) for o in broken), sep="\n")
        return 1
    chosen = _chosen(options, campaign)
    with _progress() as progress:
        task = progress.add_task("crash points", total=len(chosen), failed=0)

        def report(outcome: Outcome) -> None:
            progress.advance(task)
            if outcome.faults:
                progress.update(task, failed=progress.tasks[0].fields["failed"] + 1)
                console.print(f"[red]{outcome.scenario} {outcome.point}[/] at {outcome.killed}")
                for fault in outcome.faults[:5]:
                    console.print(f"    {fault}", markup=False)

        end = started + 60 * options.minutes if options.minutes else math.inf
        stopped = _asked_to_stop()
        more = takewhile(lambda _: time.monotonic() < end and not stopped.is_set(), chosen)
        await campaign.run(more, report)
    found = summary(campaign, time.monotonic() - started)
    print(table(found))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    for failure in found["failures"]:
        console.print(failure)
    return 1 if found["failures"] else 0


def _asked_to_stop() -> asyncio.Event:
    """Set by Ctrl-C: then those that have begun are ended in order, and the table is printed."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


def _chosen(options: argparse.Namespace, campaign: Campaign) -> list[Case]:
    if options.point:
        return [(name, _point(text)) for name in campaign.references for text in options.point]
    return cases(campaign.references)


def _point(text: str) -> Point:
    part, write, side = text.split(":")
    return Point(part, int(write), after=side == "after")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TimeRemainingColumn(),
        console=console,
    )


def main() -> int:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m faults.crash", description=__doc__)
    parser.add_argument(
        "--scenario", action="append", choices=SCENARIOS, help="only this one; may be repeated"
    )
    parser.add_argument("--point", action="append", help="only this one, such as controller:3:after")
    parser.add_argument("--quiet", type=float, default=10.0, help="seconds without a write at the end")
    parser.add_argument("--jobs", type=int, default=6, help="planes at a time")
    parser.add_argument("--minutes", type=float, help="stop after so long; what was tried is spread over all")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    parser.add_argument("--keep", type=Path, help="folder for the planes; those that failed stay in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlplane-faults-") as folder:
        return asyncio.run(run(options, options.keep or Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
