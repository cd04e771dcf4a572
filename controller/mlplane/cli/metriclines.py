"""Where the metrics of a run come from: the logs of its pods while there are any, and the store for good.

Called by ``cli.metrics``.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mlplane import names, tasks
from mlplane.api.conditions import is_true
from mlplane.api.meta import Body
from mlplane.api.reading import at, mappings, text
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.api.trainingrun import TrainingRun
from mlplane.cli.curves import Curves
from mlplane.cli.logs import NODE_ANNOTATION, step_of
from mlplane.cli.storeaccess import opened
from mlplane.errors import InvalidInput, MlplaneError, Terminal
from mlplane.steps.workspace import run_path
from mlplane.sweeps import trials_of

if TYPE_CHECKING:
    from mlplane.cluster.kube import KubeCluster

POLL_SECONDS = 1.0
_TRIAL = re.compile(r"\.trial\((\d+)[:)]")
"""In the name of a node: the place of a trial in the loop, from 0."""


def has_ended(run: Body) -> bool:
    """Whether a run will tell no more."""
    return is_true(run, names.COMPLETE) or is_true(run, names.FAILED)


def key_of(run: Body, trial: int | None) -> str:
    """The run key under which the store keeps the metrics; empty where it is not known."""
    if trial is None:
        return text(at(run, "status", "runKey"))
    trials = mappings(at(run, "status", "trials"))
    return next((text(found.get("runKey")) for found in trials if found.get("index") == trial), "")


def check_trial(run: Body, trial: int) -> None:
    """Whether a run has such a trial. Raises InvalidInput if it has not."""
    spec, name = TrainingRun.model_validate(run).spec, run["metadata"]["name"]
    if spec.sweep is None:
        raise InvalidInput(f'TrainingRun "{name}" is no sweep: leave out --trial')
    if trial > (count := len(trials_of(spec.sweep, spec.seed))):
        raise InvalidInput(f'--trial {trial}: TrainingRun "{name}" has {count} trials')


def stored(key: str, store: str, kubeconfig: Path | None) -> Curves:
    """The metrics that the store keeps; none where there is no store that is known, or nothing in it.

    Args:
        key: Run key; may be empty.
        store: What ``--store`` says.
        kubeconfig: What ``--kubeconfig`` says.
    """
    curves = Curves()
    if not key:
        return curves
    try:
        document = opened(store, kubeconfig).get_json(run_path(key, "metrics")) or {}
    except InvalidInput:
        if store:
            raise
        return curves
    for point in mappings(document.get("points")):
        curves.add(point)
    return curves


async def logged(cluster: "KubeCluster", run: Body, trial: int | None) -> Curves:
    """What the pods that are there have told."""
    curves = Curves()
    for pod in await _pods(cluster, run, trial):
        with suppress(Terminal):  # it has gone meanwhile, or has not started
            async for line in cluster.logs(ref_of(pod), "main"):
                curves.take(line)
    return curves


async def followed(cluster: "KubeCluster", ref: Ref, trial: int | None) -> AsyncIterator[Curves]:
    """The metrics whenever there are new ones, until the run has ended.

    Raises:
        Terminal: There is no such run.
    """
    curves, readers, changed = Curves(), dict[str, asyncio.Task[None]](), asyncio.Event()
    try:
        while True:
            run = await found(cluster, ref)
            ended = has_ended(run)
            for pod in await _pods(cluster, run, trial):
                uid = pod["metadata"]["uid"]
                if uid not in readers:
                    readers[uid] = asyncio.create_task(_read(cluster, pod, curves, changed))
            if ended:
                await asyncio.gather(*readers.values(), return_exceptions=True)
            if changed.is_set():
                changed.clear()
                yield curves
            if ended:
                return
            await asyncio.sleep(POLL_SECONDS)
    finally:
        for reader in readers.values():
            reader.cancel()


async def found(cluster: "KubeCluster", ref: Ref) -> Body:
    """The run. Raises Terminal if there is none."""
    run = await cluster.get(ref)
    if run is None:
        raise Terminal(f'TrainingRun "{ref.name}" is not in namespace {ref.namespace}: see `mlplane status`')
    return run


async def _read(cluster: "KubeCluster", pod: Body, curves: Curves, changed: asyncio.Event) -> None:
    with suppress(MlplaneError):
        async for line in cluster.logs(ref_of(pod), "main", follow=True):
            if curves.take(line):
                changed.set()


async def _pods(cluster: "KubeCluster", run: Body, trial: int | None) -> list[Body]:
    """Pods of all attempts that train, and have begun, the oldest first."""
    meta = run["metadata"]
    labels = ((names.OWNER_KIND_LABEL, "TrainingRun"), (names.OWNER_NAME_LABEL, meta["name"]))
    pods = await cluster.list(Query("v1", "Pod", meta["namespace"], labels))
    return sorted(_training(pods, trial), key=lambda pod: text(at(pod, "status", "startTime")))


def _training(pods: Iterable[Body], trial: int | None) -> list[Body]:
    begun = [pod for pod in pods if at(pod, "status", "phase") in ("Running", "Succeeded", "Failed")]
    steps = [pod for pod in begun if step_of(pod).partition("(")[0] == tasks.TRAIN]
    return [pod for pod in steps if trial is None or _trial_of(pod) == trial]


def _trial_of(pod: Body) -> int | None:
    place = _TRIAL.search(text(at(pod, "metadata", "annotations", NODE_ANNOTATION)))
    return int(place[1]) + 1 if place else None
