"""Which loopback port stands for which declared port of a pod: processes share one network.

Kept on disk, so that a node that starts again finds the servers where they listen.
"""

import json
import socket
from collections.abc import Mapping

from mlplane.api import Body
from mlplane.local.nodenames import HOST_IP
from mlplane.local.podfolder import PodFolder

Ports = Mapping[str, Mapping[str, int]]
"""Container name, declared port as text, real port."""


def read(folder: PodFolder) -> Ports:
    """What was chosen; empty before a container has started."""
    if not folder.ports.exists():
        return {}
    found: Ports = json.loads(folder.ports.read_bytes())
    return found


def choose(folder: PodFolder, container: Body) -> Ports:
    """Choose for a container that is about to start: what it had if that is free, else another free port."""
    chosen = dict(read(folder))
    declared = [str(port["containerPort"]) for port in container.get("ports") or ()]
    had = chosen.get(container["name"], {})
    now = {number: _free_port(had.get(number, 0)) for number in declared}
    if now != had:
        chosen[container["name"]] = now
        partial = folder.ports.with_suffix(".partial")
        partial.write_text(json.dumps(chosen))
        partial.replace(folder.ports)
    return chosen


def _free_port(preferred: int) -> int:
    """A port that nobody listens on now. If another takes it first, the container fails and is retried."""
    for number in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST_IP, number))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "no free port on 127.0.0.1"
    raise OSError(message)


def first_of(pod: Body, ports: Ports) -> int | None:
    """The real port of the first declared port of the first container that has one."""
    for container in pod["spec"]["containers"]:
        declared = container.get("ports") or ()
        known = ports.get(container["name"], {})
        if declared:
            return known.get(str(declared[0]["containerPort"]))
    return None


def real_port(container: Body, ports: Ports, port: int | str) -> int | None:
    """What stands for a container's port, given by number or by name."""
    for declared in container.get("ports") or ():
        if port in (declared["containerPort"], declared.get("name")):
            return ports.get(container["name"], {}).get(str(declared["containerPort"]))
    return port if isinstance(port, int) else None
