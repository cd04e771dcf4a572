"""One run of a story, with a crash or without, and what is to be said about it."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

from faults.crash import oracle
from faults.crash.launch import running
from faults.crash.nursery import Nursery
from faults.crash.scenarios import Scenario
from faults.crash.world import QUERIES, Point, World
from faults.processes import eventually
from mlplane.adapters.servingruntime import serving_runtime
from mlplane.errors import MlplaneError
from mlplane.local import up
from mlplane.local.gitconfig import addresses_of, gitconfig_for
from mlplane.local.state import State
from mlplane.settings import DEFAULT_IMAGE
from plane import make_repository

DIGITS = "digits"
"""Folder of the repository that ``mlplane init`` makes, beside that of the template."""
NODE = "Node /mlplane-local"
CONVERGENCE_S = 60.0
"""How long after the story (and the crash) the world may take to become like the reference."""


@dataclass
class Outcome:
    """What one run came to."""

    scenario: str
    point: Point | None
    killed: str = ""
    """The request at which the process was killed; empty if the run did not come to that write."""
    killed_class: str = ""
    """See ``classes``."""
    seconds: float = 0.0
    """From the kill until the last write: the rest of the story, and what the crash cost."""
    writes: dict[str, int] = field(default_factory=dict)
    classes: dict[str, list[str]] = field(default_factory=dict, repr=False)
    state: oracle.State = field(default_factory=dict, repr=False)
    counts: dict[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    setbacks: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    """What the oracle objects to."""


async def make_template(root: Path) -> None:
    """The state of a fresh plane: what ``mlplane up`` makes, stopped; beside it the digits template."""
    state, digits = State.create(root), root.with_name(DIGITS)
    await asyncio.to_thread(make_repository, digits, root.parent)
    state.gitconfig.write_text(gitconfig_for(digits, await asyncio.to_thread(addresses_of, digits)))
    async with up.running(state, extra=[serving_runtime(DEFAULT_IMAGE)]):
        pass


async def tell(
    nursery: Nursery,
    busy: asyncio.Semaphore,
    scenario: Scenario,
    template: Path,
    root: Path,
    quiet_s: float,
    *,
    point: Point | None = None,
    reference: Outcome | None = None,
) -> Outcome:
    """Run a story on a plane of its own, and judge it.

    Args:
        nursery: What starts the processes.
        busy: Taken while the world changes, and given back while nothing is done but to wait for the quiet.
        scenario: The story.
        template: State of a fresh plane.
        root: Folder for this plane; must not exist.
        quiet_s: How long nothing may be written at the end.
        point: The crash; None for a reference run.
        reference: What it is compared with; None for a reference run.
    """
    outcome = Outcome(scenario.name, point)
    digits = template.with_name(DIGITS) if scenario.is_real else None
    async with AsyncExitStack() as stack:
        await busy.acquire()
        work = stack.enter_context(closing(_Work(busy)))
        plane = running(nursery, template, root, point, follows_git=scenario.follows_git, digits=digits)
        world = await stack.enter_async_context(plane)
        try:
            await scenario.tell(world)
            await _settle(world, reference, quiet_s, work)
        except AssertionError as error:
            outcome.faults.append(str(error))
        await _observe(world, outcome)
    if reference is not None:
        outcome.faults += _compared(outcome, reference)
    return outcome


class _Work:
    """A place among those that are busy, given back once."""

    def __init__(self, busy: asyncio.Semaphore) -> None:
        self._busy: asyncio.Semaphore | None = busy

    def close(self) -> None:
        """Give it back, if it is not yet."""
        if self._busy:
            self._busy.release()
        self._busy = None


async def _observe(world: World, outcome: Outcome) -> None:
    """What is to be said of a world at its end."""
    outcome.seconds = max(0.0, world.busy_at - world.killed_at) if world.killed else 0.0
    outcome.killed, outcome.killed_class, outcome.writes = world.killed, world.killed_class, world.writes
    outcome.classes = world.classes
    everything = await eventually(lambda: _everything(world), "all objects can be listed", CONVERGENCE_S)
    outcome.state = world.end_state(everything)
    alive = {body["metadata"]["uid"] for body in everything}
    outcome.counts = oracle.counts(world.history, alive)
    outcome.setbacks = oracle.setbacks(world.history)
    outcome.faults += oracle.repeated_workflows(world.history)
    outcome.faults += oracle.orphans(everything)


async def _everything(world: World) -> list[oracle.Body]:
    with suppress(MlplaneError):
        return await world.everything()
    return []


async def _settle(world: World, reference: Outcome | None, quiet_s: float, work: _Work) -> None:
    """Wait until the world is as in the reference, and has then been quiet for a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CONVERGENCE_S
    why, news = ["nobody has looked"], world.news()
    while True:
        if news():
            why = await _unlike(world, reference)
        silence = loop.time() - world.busy_at
        if not why:
            work.close()
        if not why and silence >= quiet_s:
            return
        if loop.time() > deadline + quiet_s:
            raise AssertionError("; ".join(why[:5]) or f"not quiet: a write {silence:.1f} s ago")
        await asyncio.sleep(0.2 if why else max(0.02, quiet_s - silence))


async def _unlike(world: World, reference: Outcome | None) -> list[str]:
    """What is not yet as in the reference."""
    try:
        bodies = await world.bodies()
    except MlplaneError as error:
        return [str(error)]
    state = world.end_state(bodies)
    wanted = {k: v for k, v in reference.state.items() if _is_watched(k)} if reference else state
    why = list(oracle.differences(wanted, state))
    if not state.get(NODE, {}).get("status"):
        # It is tried again after 10 s, which may be later than the end of the story.
        why.append(f"{NODE} has not reported")
    return why


def _is_watched(name: str) -> bool:
    return name.partition(" ")[0] in {query.kind for query in QUERIES}


def _compared(outcome: Outcome, reference: Outcome) -> Iterable[str]:
    """What a run has that its reference has not."""
    yield from oracle.differences(reference.state, outcome.state)
    for name in sorted(reference.counts.keys() | outcome.counts.keys()):
        wanted, found = (counts.get(name, (0, 0)) for counts in (reference.counts, outcome.counts))
        if wanted != found:
            yield f"{name} was added {found[0]} and deleted {found[1]} times, not {wanted[0]} and {wanted[1]}"
    yield from sorted(outcome.setbacks - reference.setbacks)
