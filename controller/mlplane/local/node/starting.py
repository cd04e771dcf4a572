"""Starting one attempt of a container: what it needs is fetched, laid out, and given to a shim."""

from dataclasses import dataclass
from pathlib import Path

import aiohttp

from mlplane.api import Body
from mlplane.api.refs import ref_of
from mlplane.cluster.port import Cluster
from mlplane.local.node import environment, mounts, ports, refusals, runs
from mlplane.local.node.lifecycle import Backoff
from mlplane.local.node.placing import Places, held_by
from mlplane.local.nodenames import NODE_MANAGER, PORT_ANNOTATION, STDOUT_ANNOTATION
from mlplane.local.podfolder import PodFolder


@dataclass(frozen=True)
class Node:
    """What the workers of all pods share."""

    cluster: Cluster
    state_root: Path
    images: tuple[str, ...]
    """Patterns of images whose containers may run as processes."""
    session: aiohttp.ClientSession
    backoff: Backoff
    places: Places


async def start(node: Node, pod: Body, container: Body, attempt: int, folder: PodFolder) -> Body:
    """Start an attempt of a container, unless it was started already; returns the Pod as it then is.

    Raises:
        CannotStart: the container asks for what is not there, or for what this node cannot do.
    """
    refusals.check(pod, container, node.images)
    sources = {ref: await node.cluster.get(ref) for ref in environment.source_refs(pod)}
    mounts.write_mounts(pod, container, sources, folder)
    chosen = ports.choose(folder, container)
    pod = await _announce_port(node, pod, chosen)
    known = chosen.get(container["name"], {})
    gpus = held_by(folder)
    variables = environment.environment_of(pod, container, sources, known, folder, gpus)
    command = environment.command_of(container, variables, folder)
    kept = (pod["metadata"].get("annotations") or {}).get(STDOUT_ANNOTATION)
    runs.start(folder, container["name"], attempt, command, variables, keep_stdout=kept == container["name"])
    return pod


async def _announce_port(node: Node, pod: Body, chosen: ports.Ports) -> Body:
    """Write the pod's real port where those who call it look for it; before anything listens there."""
    port = ports.first_of(pod, chosen)
    if port is None or (pod["metadata"].get("annotations") or {}).get(PORT_ANNOTATION) == str(port):
        return pod
    patch = {"metadata": {"annotations": {PORT_ANNOTATION: str(port)}}}
    return await node.cluster.patch(ref_of(pod), patch, manager=NODE_MANAGER) or pod
