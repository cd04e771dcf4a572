"""Which containers of a pod are probed now, and what came of it."""

from dataclasses import dataclass, field

import aiohttp

from mlplane.api import Body
from mlplane.local.node import lifecycle, ports
from mlplane.local.node.lifecycle import Runs
from mlplane.local.node.probes import Health, watch_health
from mlplane.local.node.runs import Run
from mlplane.local.podfolder import PodFolder


@dataclass
class Checkup:
    """The health of one pod's running containers, by name; each with the run that it belongs to."""

    session: aiohttp.ClientSession
    _known: dict[str, tuple[str, Health]] = field(default_factory=dict)

    def keep(self, pod: Body, found: Runs, folder: PodFolder, written: Body) -> None:
        """Probe each container that runs, and no other.

        Args:
            pod: The Pod.
            found: Its runs.
            folder: Its folder.
            written: Its status as last written: who was ready stays so when another node takes over.
        """
        real = ports.read(folder)
        for container in pod["spec"]["containers"]:
            name, run = container["name"], lifecycle.last(found, container)
            identity = run.identity if run is not None and run.state == "running" else ""
            if name in self._known and self._known[name][0] != identity:
                self._known.pop(name)[1].stop()
            if identity and name not in self._known:
                was_ready = _was_ready(written, name, identity)
                self._known[name] = (
                    identity,
                    watch_health(self.session, container, real, was_ready=was_ready),
                )

    def ready(self, found: Runs) -> frozenset[str]:
        """The containers that run and are ready."""
        latest = {name: attempts[-1] for name, attempts in found.items() if attempts}
        return frozenset(
            name
            for name, (identity, health) in self._known.items()
            if health.ready and latest[name].state == "running" and latest[name].identity == identity
        )

    def is_dead(self, name: str, run: Run) -> bool:
        """Whether the probes of this run have given it up."""
        identity, health = self._known.get(name, ("", None))
        return health is not None and health.dead and identity == run.identity

    def stop(self) -> None:
        """Probe nothing any more."""
        for _, health in self._known.values():
            health.stop()
        self._known.clear()


def _was_ready(written: Body, name: str, identity: str) -> bool:
    before = (s for s in written.get("containerStatuses") or () if s["name"] == name)
    return any(s.get("ready") and s.get("containerID") == f"process://{identity}" for s in before)
