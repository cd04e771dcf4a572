"""Plays the scheduler for the one node: which pods get GPUs, and why others have to wait.

A pod is bound to this node when it is made, so the node itself keeps it Pending, in kube-scheduler's words,
until what it asks for is free. What a pod holds stands in its folder: a node that was killed knows it again.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlplane.api import Body
from mlplane.api.quantities import is_quantity, quantity
from mlplane.local.files import write_atomic
from mlplane.local.node.gpus import RESOURCE
from mlplane.local.podfolder import PodFolder, pods_folder

UNSCHEDULABLE = "Unschedulable"
_NO_MATCH = "1 node(s) didn't match Pod's node affinity/selector"


@dataclass(frozen=True)
class Places:
    """What the node has to give."""

    state_root: Path
    gpus: tuple[str, ...] = ()
    """Numbers of the machine's GPUs."""
    labels: Mapping[str, str] | None = None
    """Of the node."""

    def take(self, pod: Body, folder: PodFolder) -> str:
        """Give a pod what it asks for, or say why not; a pod that has it already keeps it.

        Nothing else runs in between, so no GPU is given twice.
        """
        asked = extended_resources(pod)
        free = self._free() if asked and not folder.gpus.exists() else []
        missing = [] if folder.gpus.exists() else lacking(asked, {RESOURCE: len(free)})
        selector = pod["spec"].get("nodeSelector") or {}
        if any((self.labels or {}).get(key) != value for key, value in selector.items()):
            missing = [_NO_MATCH]
        if missing:
            return f"0/1 nodes are available: {', '.join(missing)}."
        if asked.get(RESOURCE) and not folder.gpus.exists():
            write_atomic(folder.gpus, json.dumps(free[: asked[RESOURCE]]), 0o600)
        return ""

    def _free(self) -> list[str]:
        held = {gpu for path in pods_folder(self.state_root).glob("*") for gpu in held_by(PodFolder(path))}
        return [gpu for gpu in self.gpus if gpu not in held]


def held_by(folder: PodFolder) -> list[str]:
    """The GPUs that a pod holds."""
    try:
        found: list[str] = json.loads(folder.gpus.read_bytes())
    except FileNotFoundError:
        return []
    return found


def give_back(folder: PodFolder) -> None:
    """A pod that has ended holds nothing any more."""
    folder.gpus.unlink(missing_ok=True)


def lacking(asked: Mapping[str, int], free: Mapping[str, int]) -> list[str]:
    """What there is too little of, as kube-scheduler says it. Pure."""
    return [f"1 Insufficient {name}" for name in sorted(asked) if asked[name] > free.get(name, 0)]


def extended_resources(pod: Body) -> dict[str, int]:
    """Devices that a pod asks for, by resource. Pure.

    Its containers run at the same time, those of its start one after the other before them.
    """
    asked: dict[str, int] = {}
    for container in pod["spec"]["containers"]:
        for name, number in _devices(container):
            asked[name] = asked.get(name, 0) + number
    for container in pod["spec"].get("initContainers") or ():
        for name, number in _devices(container):
            asked[name] = max(asked.get(name, 0), number)
    return {name: number for name, number in asked.items() if number}


def asks_for_gpus(container: Body) -> bool:
    """Whether a container is to see the GPUs of its pod. Pure."""
    return bool(dict(_devices(container)).get(RESOURCE))


def _devices(container: Body) -> Iterator[tuple[str, int]]:
    """Extended resources are those with a domain that is not Kubernetes' own."""
    limits = (container.get("resources") or {}).get("limits") or {}
    for name, amount in limits.items():
        domain, _, rest = name.partition("/")
        if rest and not domain.endswith("kubernetes.io") and is_quantity(str(amount)):
            yield name, int(quantity(str(amount)))
