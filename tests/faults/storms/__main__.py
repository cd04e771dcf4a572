"""``make storms``: both operators in every storm, one after the other; a table, and JSON that is kept.

What the file has of the same code is not run again, so a call goes on where the last one was stopped.

python -m faults.storms [--operator mlplane] [--only 'on watch'] [--seconds 6] [--out FILE]
"""

import argparse
import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from faults.revision import revision
from faults.storms.campaign import Campaign, Outcome, campaign
from faults.storms.kept import Kept
from faults.storms.summary import RESULTS, markdown
from faults.storms.table import Storm, storms


async def run(options: argparse.Namespace) -> int:
    """Run what is asked for; the exit code says whether mlplane weathered all of it."""
    chosen = [storm for storm in storms() if any(part in storm.name for part in options.only or [""])]
    kept = Kept(options.out, revision(), options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        several = [_weather(operator, Path(folder), chosen, kept, options) for operator in options.operator]
        outcomes = [outcome for one in await asyncio.gather(*several) for outcome in one]
    print(markdown(kept.found()))
    return 0 if all(o.is_good for o in outcomes if o.operator == "mlplane") else 1


async def _weather(
    operator: str, folder: Path, chosen: list[Storm], kept: Kept, options: argparse.Namespace
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    if not (left := chosen if options.again else kept.left(operator, chosen)):
        return outcomes
    async with campaign(operator, folder) as one:
        for number, storm in enumerate(left):
            outcomes.append(await _one(one, storm, number, options.seconds))
            kept.add(outcomes[-1])
    return outcomes


async def _one(one: Campaign, storm: Storm, number: int, seconds: float) -> Outcome:
    outcome = await one.weather(storm, number, storm_s=seconds)
    after = "not in time" if outcome.converged_s is None else f"{outcome.converged_s:.1f} s"
    more = f"; {outcome.writes_afterwards} writes afterwards" if outcome.writes_afterwards else ""
    print(
        f"{outcome.operator:14} {storm.name:34} {after}{more} {outcome.left[:2] or ''}",
        file=sys.stderr,
        flush=True,
    )
    return outcome


async def _until_stopped(options: argparse.Namespace) -> int:
    """SIGTERM ends it in good order: with the processes that it has started."""
    task = asyncio.create_task(run(options))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> None:
    """Read the options, run, and end with the exit code."""
    parser = argparse.ArgumentParser(prog="make storms", description=__doc__)
    operators = ("mlplane", "kopf_operator")
    parser.add_argument("--operator", action="append", choices=operators, help="default: both")
    parser.add_argument("--only", action="append", help="storms whose name contains this")
    parser.add_argument("--seconds", type=float, default=6.0, help="how long a storm lasts")
    parser.add_argument("--out", type=Path, default=None, help=f"where JSON is kept, such as {RESULTS.name}")
    parser.add_argument("--again", action="store_true", help="also those that the file has already")
    options = parser.parse_args()
    options.operator = options.operator or list(operators)
    sys.exit(asyncio.run(_until_stopped(options)))


if __name__ == "__main__":
    main()
