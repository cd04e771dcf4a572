"""Columns of the built-in kinds, as kubectl's users know them. ``tables`` reads ``BUILT_IN``."""

from datetime import datetime
from typing import Any

from mlplane.local.apiserver import ages
from mlplane.local.apiserver.columns import AGE, Cell, TableColumn, age, at
from mlplane.local.apiserver.statuses import Body


def _count(*paths: str) -> Cell:
    """How many entries some maps or lists have together."""
    return lambda item, _now: sum(len(item.get(path) or ()) for path in paths)


def _pod_ready(pod: Body, _now: datetime) -> str:
    statuses = _containers(pod)
    ready = sum(bool(each.get("ready")) for each in statuses)
    return f"{ready}/{len((pod.get('spec') or {}).get('containers') or ())}"


def _containers(pod: Body, field: str = "containerStatuses") -> list[Body]:
    return (pod.get("status") or {}).get(field) or []


def _pod_restarts(pod: Body, now: datetime) -> str:
    statuses = _containers(pod)
    count = sum(each.get("restartCount", 0) for each in statuses)
    ends = [
        ended
        for each in statuses
        if (ended := ((each.get("lastState") or {}).get("terminated") or {}).get("finishedAt"))
    ]
    return f"{count} ({ages.age_of(max(ends), now)} ago)" if count and ends else str(count)


def _pod_status(pod: Body, _now: datetime) -> str:
    """The most telling word: a container's trouble before the phase, deletion before both."""
    status = pod.get("status") or {}
    reason: str = status.get("reason") or status.get("phase") or "Unknown"
    reason = _init_reason(pod) or _container_reason(pod) or reason
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return reason


def _init_reason(pod: Body) -> str:
    total = len((pod.get("spec") or {}).get("initContainers") or ())
    for index, each in enumerate(_containers(pod, "initContainerStatuses")):
        state = each.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and not ended.get("exitCode"):
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}"
        if waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{total}"
    return ""


def _container_reason(pod: Body) -> str:
    reason, running = "", False
    for each in reversed(_containers(pod)):
        state = each.get("state") or {}
        if (state.get("waiting") or {}).get("reason"):
            reason = state["waiting"]["reason"]
        elif "terminated" in state:
            reason = _ended(state["terminated"])
        elif each.get("ready") and "running" in state:
            running = True
    return "Running" if reason == "Completed" and running else reason


def _ended(terminated: Body) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    signal = terminated.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{terminated.get('exitCode', 0)}"


def _event_last_seen(event: Body, now: datetime) -> str:
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return ages.age_of(last or event.get("firstTimestamp"), now)


def _event_object(event: Body, _now: datetime) -> str:
    about = event.get("involvedObject") or event.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


def _event_message(event: Body, _now: datetime) -> str:
    return str(event.get("message") or event.get("note") or "").strip()


def _service_ports(service: Body, _now: datetime) -> str:
    ports: list[Body] = (service.get("spec") or {}).get("ports") or []
    shown = [
        f"{each.get('port')}{':' + str(each['nodePort']) if each.get('nodePort') else ''}"
        f"/{each.get('protocol', 'TCP')}"
        for each in ports
    ]
    return ",".join(shown) or "<none>"


def _service_external(service: Body, _now: datetime) -> str:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    addresses = [each.get("ip") or each.get("hostname") for each in ingress]
    addresses += (service.get("spec") or {}).get("externalIPs") or []
    return ",".join(filter(None, addresses)) or "<none>"


def _node_status(node: Body, _now: datetime) -> str:
    conditions: list[Body] = (node.get("status") or {}).get("conditions") or []
    ready = next((each for each in conditions if each.get("type") == "Ready"), None)
    text = "Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{text},SchedulingDisabled" if (node.get("spec") or {}).get("unschedulable") else text


def _node_roles(node: Body, _now: datetime) -> str:
    prefix = "node-role.kubernetes.io/"
    labels: dict[str, str] = (node.get("metadata") or {}).get("labels") or {}
    roles = sorted(label.removeprefix(prefix) for label in labels if label.startswith(prefix))
    return ",".join(roles) or "<none>"


def _column(name: str, cell: Cell, **more: Any) -> TableColumn:
    return TableColumn(name, cell, **more)


_AT_CREATION = _column("Created At", at("metadata", "creationTimestamp"), type="date")
_STATUS = _column("Status", at("status", "phase"), description="The phase of the object.")


def _subjects(kind: str) -> Cell:
    """The names of a binding's subjects of a kind."""

    def cell(binding: Body, _now: datetime) -> str:
        found = [s for s in binding.get("subjects") or () if s.get("kind") == kind]
        return ", ".join(f"{s['namespace']}/{s['name']}" if s.get("namespace") else s["name"] for s in found)

    return cell


def _role_of(binding: Body, _now: datetime) -> str:
    reference = binding.get("roleRef") or {}
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


_BINDING = (
    _column("Role", _role_of),
    AGE,
    _column("Users", _subjects("User"), priority=1),
    _column("Groups", _subjects("Group"), priority=1),
    _column("ServiceAccounts", _subjects("ServiceAccount"), priority=1),
)

BUILT_IN: dict[str, tuple[TableColumn, ...]] = {
    "ClusterRole": (_AT_CREATION,),
    "ClusterRoleBinding": _BINDING,
    "ConfigMap": (_column("Data", _count("data", "binaryData"), type="integer"), AGE),
    "CustomResourceDefinition": (_AT_CREATION,),
    "Event": (
        _column("Last Seen", _event_last_seen),
        _column("Type", at("type")),
        _column("Reason", at("reason")),
        _column("Object", _event_object),
        _column("Subobject", at("involvedObject", "fieldPath"), priority=1),
        _column("Source", at("source", "component", default=""), priority=1),
        _column("Message", _event_message),
        _column("First Seen", age("firstTimestamp"), priority=1),
        _column("Count", at("count", default=1), type="integer", priority=1),
        _column("Name", at("metadata", "name"), format="name", priority=1),
    ),
    "Lease": (_column("Holder", at("spec", "holderIdentity", default="")), AGE),
    "Namespace": (_STATUS, AGE),
    "Node": (
        _column("Status", _node_status),
        _column("Roles", _node_roles),
        AGE,
        _column("Version", at("status", "nodeInfo", "kubeletVersion", default="")),
    ),
    "Pod": (
        _column("Ready", _pod_ready),
        _column("Status", _pod_status),
        _column("Restarts", _pod_restarts),
        AGE,
        _column("IP", at("status", "podIP", default="<none>"), priority=1),
        _column("Node", at("spec", "nodeName", default="<none>"), priority=1),
        _column("Nominated Node", at("status", "nominatedNodeName", default="<none>"), priority=1),
        _column("Readiness Gates", lambda _item, _now: "<none>", priority=1),
    ),
    "Role": (_AT_CREATION,),
    "RoleBinding": _BINDING,
    "Scale": (
        _column("Desired", at("spec", "replicas"), type="integer"),
        _column("Available", at("status", "replicas"), type="integer"),
        AGE,
    ),
    "Secret": (_column("Type", at("type")), _column("Data", _count("data"), type="integer"), AGE),
    "Service": (
        _column("Type", at("spec", "type", default="ClusterIP")),
        _column("Cluster-IP", at("spec", "clusterIP", default="<none>")),
        _column("External-IP", _service_external),
        _column("Port(s)", _service_ports),
        AGE,
    ),
    "ServiceAccount": (_column("Secrets", _count("secrets"), type="integer"), AGE),
}
"""Kind to columns after the name; an Event's name stands last."""
