"""``make faults``: every crash point, with a bar, a table at the end, and JSON that is kept."""

import argparse
import asyncio
import json
import math
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import takewhile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from faults.crash.campaign import Campaign, Case, cases, missed
from faults.crash.journal import FILE, Journal
from faults.crash.scenarios import SCENARIOS
from faults.crash.summary import summary, table
from faults.crash.variant import Outcome
from faults.crash.world import Point
from faults.revision import revision

console = Console()


async def run(options: argparse.Namespace, folder: Path) -> int:
    """Run what is asked for; the exit code."""
    end = time.monotonic() + 60 * options.minutes if options.minutes else math.inf
    tested = revision()
    journal = Journal(options.journal, tested, options.quiet)
    with closing(Campaign(folder, options.quiet, options.jobs)) as campaign:
        broken = await _prepare(options, campaign, journal)
        if not options.point:
            campaign.outcomes = [o for o in journal.outcomes() if o.scenario in campaign.references]
        stopped = _asked_to_stop()
        for choose in (_chosen, _missed):
            chosen = choose(options, campaign)
            more = takewhile(lambda _: time.monotonic() < end and not stopped.is_set(), chosen)
            with _reporting(journal, len(chosen)) as report:
                await campaign.run(more, report)
    found = summary(campaign, tested)
    print(table(found))
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(found, indent=1) + "\n")
    for failure in found["failures"]:
        console.print(failure)
    return 1 if broken or found["failures"] else 0


async def _prepare(options: argparse.Namespace, campaign: Campaign, journal: Journal) -> list[Outcome]:
    """Have a reference of each story, if need be from the journal; those that are of no use."""
    stories = options.scenario or list(SCENARIOS)
    known = {name: outcome for name, outcome in journal.references().items() if name in stories}
    campaign.references |= {name: outcome for name, outcome in known.items() if not SCENARIOS[name].is_real}
    await campaign.prepare(name for name in stories if name not in campaign.references)
    if broken := [o for o in campaign.references.values() if o.faults]:
        # The crash points of the others are told all the same.
        console.print("without a crash already:", *((o.scenario, o.faults) for o in broken), sep="\n")
        for outcome in broken:
            del campaign.references[outcome.scenario]
    for name, reference in campaign.references.items():
        if name not in known:
            journal.add(reference)
    return broken


@contextmanager
def _reporting(journal: Journal, number: int) -> Iterator[Callable[[Outcome], None]]:
    """Keeps and shows each outcome."""
    with _progress() as progress:
        task = progress.add_task("crash points", total=number, failed=0)

        def report(outcome: Outcome) -> None:
            journal.add(outcome)
            progress.advance(task)
            if outcome.faults:
                progress.update(task, failed=progress.tasks[0].fields["failed"] + 1)
                console.print(f"[red]{outcome.scenario} {outcome.point}[/] at {outcome.killed}")
                for fault in outcome.faults[:5]:
                    console.print(f"    {fault}", markup=False)

        yield report


def _asked_to_stop() -> asyncio.Event:
    """Set by Ctrl-C: then those that have begun are ended in order, and the table is printed."""
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    return asked


def _missed(options: argparse.Namespace, campaign: Campaign) -> list[Case]:
    if options.point:
        return []
    tried = {(outcome.scenario, outcome.point) for outcome in campaign.outcomes}
    return [case for case in missed(campaign.references, campaign.outcomes) if case not in tried]


def _chosen(options: argparse.Namespace, campaign: Campaign) -> list[Case]:
    if options.point:
        return [(name, Point.parse(text)) for name in campaign.references for text in options.point]
    tried = {(outcome.scenario, outcome.point) for outcome in campaign.outcomes}
    return [case for case in cases(campaign.references) if case not in tried]


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
    parser.add_argument("--quiet", type=float, default=3.0, help="seconds without a write at the end")
    parser.add_argument("--jobs", type=int, default=4, help="stories told at a time")
    parser.add_argument("--minutes", type=float, help="stop after so long; what was tried is spread over all")
    parser.add_argument("--journal", type=Path, default=FILE, help="file of the outcomes so far")
    parser.add_argument("--out", type=Path, help="write the results here, as JSON")
    parser.add_argument("--keep", type=Path, help="folder for the planes; those that failed stay in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlplane-faults-") as folder:
        return asyncio.run(run(options, options.keep or Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
