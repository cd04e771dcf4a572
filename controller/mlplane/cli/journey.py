"""What ``mlplane demo`` does: a repository, a plane, a model trained, judged and served, and a prediction."""

import asyncio
import json
import re
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet as pq
from rich.console import Console
from rich.text import Text

from mlplane.adapters.servingruntime import serving_runtime
from mlplane.cli import endpoint
from mlplane.cli.connection import connected
from mlplane.cli.following import served
from mlplane.cli.report import REQUEST, Answer, report
from mlplane.cli.stages import World, only
from mlplane.cli.timeline import Timeline
from mlplane.data.layout import split_file
from mlplane.errors import Terminal
from mlplane.gitops import scaffold
from mlplane.local.node.orphans import end_orphans
from mlplane.local.state import State
from mlplane.local.up import running
from mlplane.settings import DEFAULT_IMAGE
from mlplane.store.uris import resolve

WIDTH = 100
FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)
"""In an exported picture: loads a font from elsewhere."""


@dataclass
class Journey:
    """One demonstration in a folder of its own."""

    folder: Path
    record: int
    export: Path | None
    console: Console = field(default_factory=lambda: Console(highlight=False))

    @property
    def repo(self) -> Path:
        """The GitOps repository."""
        return self.folder / "digits"

    @property
    def state(self) -> State:
        """State folder of the plane."""
        return State(self.folder / "state")

    async def run(self, limit_s: float, keep: bool) -> None:
        """All of it, and with ``keep`` on until it is cancelled.

        Raises:
            Terminal: Something failed, took too long, or the model's answer is wrong.
        """
        timeline = Timeline(self.console)
        try:
            with _cancelled_by_signals():
                async with asyncio.timeout(limit_s) as limit, AsyncExitStack() as plane:
                    with timeline.live():
                        answer = await self._travel(timeline, plane)
                    limit.reschedule(None)
                    self._show(answer, timeline, keep)
                    if keep:
                        await asyncio.Event().wait()
        except TimeoutError as error:
            stuck = f"{timeline.current}: {timeline.detail or 'no word'}"
            raise Terminal(f"gave up after {limit_s:.0f} s at {stuck}{self._advice(keep)}") from error
        finally:
            if not keep:  # nothing is left, even if the plane had to be killed
                await end_orphans(self.state.root, set())
        if not answer.is_right:
            raise Terminal(f"the model is wrong about record {self.record} of the test split")

    async def _travel(self, timeline: Timeline, plane: AsyncExitStack) -> Answer:
        """From a commit to an answer; the plane is up until the stack is left."""
        timeline.begin("commit", "a new git repository")
        commit = scaffold.init(self.repo, "digits", scaffold.default_url(self.repo))
        timeline.finish("commit", f"repository from the template digits, at {commit[:12]}")
        timeline.begin("plane", "API server, controller, engines")
        extra = [serving_runtime(DEFAULT_IMAGE)]
        state = State.create(self.state.root)
        await plane.enter_async_context(
            running(state, repo=self.repo, path="dev", revision="main", extra=extra)
        )
        timeline.finish("plane", "API server, controller and engines are up")
        cluster, namespace = await plane.enter_async_context(connected(self.state.kubeconfig))
        world = await served(cluster, namespace, timeline)
        timeline.begin("predict", "one record that training has not seen")
        answer = await asyncio.to_thread(self._ask, world)
        timeline.finish("predict", f"record {self.record} of the test split")
        return answer

    def _ask(self, world: World) -> Answer:
        server, dataset, run = (only(world, kind) for kind in ("ModelServer", "Dataset", "TrainingRun"))
        if not (server and dataset and run):
            raise Terminal("an object of the demo was deleted meanwhile")
        plan = run["spec"]["evaluation"]
        values = self._values(dataset["status"]["uri"], plan["split"])
        label = int(values.pop(plan["label"]))
        (image,) = values.values()
        pixels = [float(value) for value in image]
        url = server["status"]["url"]
        request = {"instances": [pixels]}
        reply = endpoint.ask(url, endpoint.path_for(server["metadata"]["name"], request), request)
        return Answer(url, server["metadata"]["name"], pixels, reply["predictions"][0], label)

    def _values(self, uri: str, split: str) -> dict[str, Any]:
        """The record, by column, from the stored dataset version."""
        file = Path(urlsplit(resolve(uri, self.state.store_url)).path) / split_file(split)
        found: list[dict[str, Any]] = pq.read_table(file).slice(self.record, 1).to_pylist()
        if not found:
            raise Terminal(f"the split {split} has no record {self.record}: choose a smaller --record")
        return found[0]

    def _show(self, answer: Answer, timeline: Timeline, keep: bool) -> None:
        result = report(answer, timeline.seconds, self.folder if keep else None)
        if keep:
            (self.folder / REQUEST).write_text(json.dumps(answer.request))
        self.console.print(result, soft_wrap=True)  # commands stay whole lines, to be copied
        if self.export:
            paper = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True)
            paper.print(
                Text.assemble(("$ ", "dim"), ("make demo", "bold")), timeline.table(), result, sep="\n"
            )
            self.export.write_text(FONT.sub("", paper.export_svg(title="mlplane")))

    def _advice(self, keep: bool) -> str:
        logs = f"; logs are in {self.state.logs}" if keep else ""
        return logs or "; run it again with --keep to read the logs"


@contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """The first signal cancels this task, so that all is stopped in order; all later ones are ignored."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = (signal.SIGINT, signal.SIGTERM)
    pressed: list[int] = []

    def cancel(number: int) -> None:
        if not pressed and task is not None:
            pressed.append(number)
            task.cancel()

    for number in numbers:
        loop.add_signal_handler(number, cancel, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # between the two lines below one would interrupt
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
