"""Many crash points: which there are, in which order they are tried, and what came of them."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count, zip_longest
from pathlib import Path

from faults.crash import oracle
from faults.crash.classes import first_and_last
from faults.crash.nursery import Nursery
from faults.crash.scenarios import SCENARIOS, Scenario
from faults.crash.variant import Outcome, make_template, tell
from faults.crash.world import PARTS, PROCESSES, Point

PLANES = 3
"""Planes for each that is busy: most of the time of a plane is the quiet at its end."""
Case = tuple[str, Point]
"""A scenario and a crash in it."""


@dataclass
class Campaign:
    """References and outcomes so far. Folders of planes that failed stay in ``folder``."""

    folder: Path
    quiet_s: float
    jobs: int
    """How many stories are told at a time; as many planes again and again only wait for the quiet."""
    references: dict[str, Outcome] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    nursery: Nursery = field(default_factory=Nursery)
    _numbers: Iterator[int] = field(default_factory=count)
    _busy: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._busy = asyncio.Semaphore(self.jobs)

    @property
    def template(self) -> Path:
        return self.folder / "template"

    def close(self) -> None:
        """End what starts the processes of the planes."""
        self.nursery.close()

    async def prepare(self, scenarios: Iterable[str], times: int = 2) -> None:
        """Tell each story without a crash; more than once, to know what differs by itself."""
        if not self.template.exists():
            await make_template(self.template)
        scenarios = list(scenarios)
        for name in scenarios:
            if SCENARIOS[name].is_real:  # the one time that it trains
                await self._tell(SCENARIOS[name])
        stories = [SCENARIOS[name] for name in scenarios for _ in range(times)]
        await _side_by_side(PLANES * self.jobs, (self._refer(story) for story in stories))

    async def _refer(self, story: Scenario) -> None:
        outcome = await self._tell(story)
        known = self.references.setdefault(outcome.scenario, outcome)
        known.faults += [] if known is outcome else [*outcome.faults, *_different(known, outcome)]
        known.setbacks |= outcome.setbacks
        known.classes = {part: max(known.classes[part], outcome.classes[part], key=len) for part in PARTS}
        known.writes = {part: len(known.classes[part]) for part in PARTS}

    async def run(self, cases: Iterable[Case], report: Callable[[Outcome], None] = lambda _: None) -> None:
        """Try crash points, in this order, some at a time; the iterator may end early, when time is up."""

        async def try_(name: str, point: Point) -> None:
            outcome = await self._tell(SCENARIOS[name], point)
            self.outcomes.append(outcome)
            report(outcome)

        await _side_by_side(PLANES * self.jobs, (try_(*case) for case in cases))

    async def _tell(self, scenario: Scenario, point: Point | None = None) -> Outcome:
        moment = f"{point.part}-{point.write}" if point else "reference"
        root = self.folder / f"{scenario.name}-{moment}-{next(self._numbers)}"
        reference = self.references[scenario.name] if point else None
        try:
            outcome = await tell(
                self.nursery,
                self._busy,
                scenario,
                self.template,
                root,
                self.quiet_s,
                point=point,
                reference=reference,
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the other points are tried
            outcome = Outcome(scenario.name, point, faults=[repr(error)])
        if not outcome.faults:
            await asyncio.to_thread(shutil.rmtree, root)
        return outcome


def cases(references: dict[str, Outcome]) -> list[Case]:
    """Every crash point of every scenario, in the order in which they are tried.

    First come those after the first write of each class, then those before it, those at the last write of
    each class, and the rest. Of these four, any first part is spread over all scenarios and processes.
    """
    groups: list[list[list[Case]]] = [[], [], [], []]
    for name, reference in references.items():
        for part in PARTS:
            first, last = first_and_last(reference.classes[part])
            every = set(points(part, range(1, reference.writes[part] + 1)))
            chosen = [Point(part, number, after) for after in (True, False) for number in first]
            for group, wanted in zip(
                groups,
                (
                    {p for p in chosen if p.after},
                    {p for p in chosen if not p.after},
                    {p for p in every if p.write in last and p.write not in first},
                    {p for p in every if p.write not in {*first, *last}},
                ),
                strict=True,
            ):
                group.append([(name, point) for point in _spread(sorted(wanted & every))])
    columns = chain.from_iterable(zip_longest(*group) for group in groups)
    return [case for column in columns for case in column if case is not None]


def missed(references: dict[str, Outcome], outcomes: Iterable[Outcome]) -> list[Case]:
    """The first write of each class that was not hit on one of its sides, though each write was counted.

    Processes run side by side, so that the n-th write is not of the same class in each run.
    """
    hit = {(o.scenario, o.point.part, o.killed_class, o.point.after) for o in outcomes if o.point}
    return [
        (name, Point(part, 1, after, of=each))
        for name, reference in references.items()
        for part in PROCESSES
        for each in dict.fromkeys(reference.classes[part])
        for after in sides(part)
        if (name, part, each, after) not in hit
    ]


def sides(part: str) -> tuple[bool, ...]:
    """Of a write of this process: whether it is killed before it, after it."""
    return (True,) if part == "collector" else (False, True)


def points(part: str, writes: Iterable[int]) -> list[Point]:
    """The crash points of a process, before and after each write."""
    return [Point(part, number, after) for number in writes for after in sides(part)]


def sampled() -> list[tuple[str, str]]:
    """The scenarios of the sample, those whose containers do not train, each with two processes in turn."""
    scenarios = [name for name, scenario in SCENARIOS.items() if not scenario.is_real]
    return [
        (name, PROCESSES[(row + column) % len(PROCESSES)])
        for row, name in enumerate(scenarios)
        for column in (0, 1)
    ]


def sample(references: dict[str, Outcome]) -> list[Case]:
    """One crash point for each of ``sampled``: together they are early, late, before and after.

    They follow from the places in the table and the number of writes, so the same are chosen each time.
    """
    chosen = []
    for index, (name, part) in enumerate(sampled()):
        write = 1 + int(_radical_inverse(index + 1) * references[name].writes[part])
        chosen.append((name, Point(part, write, after=index % 4 in (1, 2))))
    return chosen


def _spread(those: list[Point]) -> list[Point]:
    """In another order, so that each first part of them is spread evenly."""
    return [those[index] for index in sorted(range(len(those)), key=lambda n: _radical_inverse(n + 1))]


def _radical_inverse(number: int) -> float:
    """The binary digits of a number mirrored at the point: 0.5, 0.25, 0.75, 0.125 …"""
    return int(f"{number:b}"[::-1], 2) / (1 << number.bit_length())


def _different(one: Outcome, other: Outcome) -> Iterator[str]:
    """What differs between two references, which must not be."""
    for wanted, found in ((one.state, other.state), (one.counts, other.counts)):
        for what in oracle.differences(wanted, found):
            yield f"two runs without a crash differ: {what}"


async def _side_by_side(jobs: int, work: Iterable[Awaitable[None]]) -> None:
    """Do the work in its order, some of it at a time."""
    waiting = iter(work)

    async def worker() -> None:
        for task in waiting:
            await task

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(worker())
