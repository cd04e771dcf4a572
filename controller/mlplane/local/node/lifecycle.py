"""What a pod's containers have come to, and which of them to start next: pure, over runs read from disk."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile

from mlplane.api import Body
from mlplane.local.node.runs import Run

Runs = Mapping[str, tuple[Run, ...]]
"""Attempts of each container of a pod, by its name; oldest first."""


@dataclass(frozen=True)
class Backoff:
    """How long a container that ends again and again waits before it is started again; in seconds."""

    first: float = 10.0
    longest: float = 300.0
    forgiven: float = 600.0
    """An attempt that lived this long starts the count anew."""

    def delay(self, attempts: tuple[Run, ...]) -> float:
        """Pause after the last of these attempts; the first end in a row costs none."""
        short = sum(1 for _ in takewhile(self._counts, reversed(attempts)))
        return 0.0 if short <= 1 else min(self.first * 2.0 ** (short - 2), self.longest)

    def _counts(self, run: Run) -> bool:
        return not run.stopped and run.state == "exited" and run.finished - run.started < self.forgiven


def init_containers(pod: Body) -> list[Body]:
    """The containers that run one after the other before the others."""
    return pod["spec"].get("initContainers") or []


def all_containers(pod: Body) -> list[Body]:
    """All of them, in the order of their start."""
    return [*init_containers(pod), *pod["spec"]["containers"]]


def last(runs: Runs, container: Body) -> Run | None:
    """The latest attempt of a container."""
    attempts = runs.get(container["name"]) or ()
    return attempts[-1] if attempts else None


def is_finished(pod: Body, run: Run | None, *, init: bool) -> bool:
    """Whether a container has ended for good: it will not be started again."""
    if run is None or not run.is_over:
        return False
    policy = pod["spec"].get("restartPolicy", "Always")
    succeeded = run.state == "exited" and run.code == 0
    return policy == "Never" or (succeeded and (init or policy == "OnFailure"))


def is_initialized(pod: Body, runs: Runs) -> bool:
    """Whether all init containers have succeeded."""
    return all(_succeeded(last(runs, c)) for c in init_containers(pod))


def _succeeded(run: Run | None) -> bool:
    return run is not None and run.state == "exited" and run.code == 0


def is_lost(pod: Body, runs: Runs) -> bool:
    """Whether nobody knows how a container ended that may not be started again."""
    policy = pod["spec"].get("restartPolicy", "Always")
    ended = (last(runs, c) for c in all_containers(pod))
    return policy == "Never" and any(run is not None and run.state == "lost" for run in ended)


def is_active(runs: Runs) -> bool:
    """Whether any process of the pod runs or is being started."""
    return any(attempts and not attempts[-1].is_over for attempts in runs.values())


def phase_of(pod: Body, runs: Runs) -> str:
    """Pending, Running, Succeeded or Failed, as the kubelet works it out."""
    inits = [(c, last(runs, c)) for c in init_containers(pod)]
    if any(is_finished(pod, r, init=True) and not _succeeded(r) for c, r in inits):
        return "Failed"
    mains = [(c, last(runs, c)) for c in pod["spec"]["containers"]]
    if all(is_finished(pod, r, init=False) for c, r in mains):
        return "Succeeded" if all(_succeeded(r) for _, r in mains) else "Failed"
    begun = any(r is not None and r.state != "starting" for _, r in mains)
    return "Running" if begun else "Pending"


def due(pod: Body, runs: Runs, now: float, backoff: Backoff) -> Iterator[tuple[Body, int]]:
    """Containers to start now, each with the number of the attempt."""
    for container in init_containers(pod):
        if not _succeeded(last(runs, container)):
            yield from _due(pod, container, runs, now, backoff, init=True)
            return
    for container in pod["spec"]["containers"]:
        yield from _due(pod, container, runs, now, backoff, init=False)


def _due(
    pod: Body, container: Body, runs: Runs, now: float, backoff: Backoff, *, init: bool
) -> Iterator[tuple[Body, int]]:
    run = last(runs, container)
    if run is None or run.state == "starting":
        yield container, 0 if run is None else run.attempt
        return
    may_restart = run.is_over and not is_finished(pod, run, init=init)
    if may_restart and now >= run.finished + backoff.delay(runs[container["name"]]):
        yield container, run.attempt + 1
