"""The node's own object, and the Lease that says that it lives.

Without them a control plane takes the node for lost, and deletes the pods that are bound to it. As a kubelet
does, the node renews its Lease every few seconds, and writes its status when somebody has changed it, or now
and then. A taint keeps schedulers from sending pods that were not made for this node. Run by ``engines``.
"""

import asyncio
import logging
import os
import platform
from datetime import UTC, datetime, timedelta

from mlplane import __version__
from mlplane.api import Body
from mlplane.api.refs import Ref
from mlplane.cluster.port import Cluster
from mlplane.errors import Transient
from mlplane.local.node.gpus import RESOURCE
from mlplane.local.nodenames import HOST_IP, NODE_MANAGER, NODE_NAME

RENEW_S = 10.0
DURATION_S = 40
"""A node that has not renewed its Lease for so long is taken for lost."""
REPORT = timedelta(minutes=5)
"""At most so old is what the status says of the node's health."""
TAINT = "node.mlplane.dev/processes"

NODE = Ref("v1", "Node", "", NODE_NAME)
LEASE = Ref("coordination.k8s.io/v1", "Lease", "kube-node-lease", NODE_NAME)

log = logging.getLogger(__name__)


async def keep_registered(cluster: Cluster, gpus: int = 0) -> None:
    """Be a node of the cluster with so many GPUs, until cancelled."""
    while True:
        try:
            await _report(cluster, datetime.now(UTC), gpus)
        except Transient as error:
            log.warning("the node cannot report: %s", error)
        await asyncio.sleep(RENEW_S)


async def _report(cluster: Cluster, now: datetime, gpus: int) -> None:
    node = await cluster.get(NODE) or await cluster.apply(node_body(), manager=NODE_MANAGER)
    if not is_reported(node, now) or _gpus_said(node) != gpus:
        patch = {"status": node_status(now, gpus)}
        await cluster.patch(NODE, patch, manager=NODE_MANAGER, subresource="status")
    renewed = {"renewTime": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}
    if await cluster.patch(LEASE, {"spec": renewed}, manager=NODE_MANAGER) is None:
        await cluster.create(lease_body(node, renewed), manager=NODE_MANAGER)


def node_body() -> Body:
    """The node as it registers itself. Pure but for what it says of the machine."""
    return {
        "apiVersion": NODE.api_version,
        "kind": NODE.kind,
        "metadata": {"name": NODE.name, "labels": node_labels()},
        "spec": {"taints": [{"key": TAINT, "effect": "NoSchedule"}]},
    }


def node_labels() -> dict[str, str]:
    """What the node is, for those who choose nodes by it."""
    return {
        "kubernetes.io/arch": _architecture(),
        "kubernetes.io/hostname": NODE_NAME,
        "kubernetes.io/os": platform.system().lower(),
    }


def lease_body(node: Body, spec: Body) -> Body:
    """The Lease; it goes with the node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": NODE.name, "uid": node["metadata"]["uid"]}
    return {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.kind,
        "metadata": {"name": LEASE.name, "namespace": LEASE.namespace, "ownerReferences": [owner]},
        "spec": {"holderIdentity": NODE.name, "leaseDurationSeconds": DURATION_S, **spec},
    }


def is_reported(node: Body, now: datetime) -> bool:
    """Whether the status says that the node is ready, and has said so lately."""
    ready = _ready(node)
    if ready.get("status") != "True":
        return False
    return now - datetime.fromisoformat(ready["lastHeartbeatTime"]) < REPORT


def _ready(node: Body) -> Body:
    conditions: list[Body] = (node.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == "Ready"), {})


def _gpus_said(node: Body) -> int:
    said = ((node.get("status") or {}).get("capacity") or {}).get(RESOURCE, 0)
    return int(said)


def node_status(now: datetime, gpus: int = 0) -> Body:
    """What a kubelet says of its machine and of its health."""
    moment = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    room = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": "110", RESOURCE: str(gpus)}
    healthy = [
        _condition(kind, "False", f"KubeletHasNo{kind}", moment)
        for kind in ("MemoryPressure", "DiskPressure", "PIDPressure")
    ]
    ready = _condition("Ready", "True", "KubeletReady", moment)
    return {
        "capacity": room,
        "allocatable": room,
        "conditions": [*healthy, ready],
        "addresses": [
            {"type": "InternalIP", "address": HOST_IP},
            {"type": "Hostname", "address": NODE_NAME},
        ],
        "nodeInfo": {
            "architecture": _architecture(),
            "bootID": "",
            "containerRuntimeVersion": f"mlplane://{__version__}",
            "kernelVersion": platform.release(),
            "kubeProxyVersion": "",
            "kubeletVersion": f"v{__version__}-mlplane",
            "machineID": "",
            "operatingSystem": platform.system().lower(),
            "osImage": platform.system(),
            "systemUUID": "",
        },
    }


def _condition(kind: str, status: str, reason: str, moment: str) -> Body:
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": moment}
    return {"type": kind, "status": status, "reason": reason, "message": "", **times}


def _architecture() -> str:
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
