"""What a Workflow has used: GPUs and CPUs by seconds. Pure.

Called by ``reconcilers.suspension`` and ``reconcilers.runoutcome``.
"""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction

from mlplane.api import Body
from mlplane.api.quantities import is_quantity, quantity
from mlplane.api.reading import at, mapping, mappings, text
from mlplane.api.trainingrun import Usage

ASSUMED_CPU = "100m"
"""What Argo takes a container to use that asks for nothing."""


def usage_of(workflow: Body, pods: Iterable[Body] = ()) -> Usage:
    """The sum over its pods.

    Args:
        workflow: A Workflow that has ended.
        pods: Its pods. Argo says nothing of the use of a pod that it ended itself: that is worked out from
            the pod here, as Argo does it for others.
    """
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    told = [mapping(node.get("resourcesDuration")) for node in nodes if node.get("type") == "Pod"]
    # A pod's node is named by its annotation, in full.
    silent = {text(node.get("name")) for node in nodes if not mapping(node.get("resourcesDuration"))}
    used = [*told, *(_used_by(pod) for pod in pods if _node_of(pod) in silent)]
    return Usage(
        gpu_seconds=sum(_seconds(each[name]) for each in used for name in each if _is_gpu(name)),
        cpu_seconds=sum(_seconds(each.get("cpu")) for each in used),
    )


def total(first: Usage | None, second: Usage) -> Usage:
    """Both together."""
    first = first or Usage()
    return Usage(
        gpu_seconds=first.gpu_seconds + second.gpu_seconds, cpu_seconds=first.cpu_seconds + second.cpu_seconds
    )


def _is_gpu(resource: str) -> bool:
    """Of what a Workflow asks for, only GPUs and their parts are extended resources: ``nvidia.com/gpu``."""
    return "/" in resource


def _seconds(value: object) -> int:
    return max(0, value) if isinstance(value, int) else 0


def _node_of(pod: Body) -> str:
    return text(at(pod, "metadata", "annotations", "workflows.argoproj.io/node-name"))


def _used_by(pod: Body) -> dict[str, int]:
    """Each resource by whole seconds."""
    asked = {text(c.get("name")): _asked(c) for c in mappings(at(pod, "spec", "containers"))}
    used: dict[str, int] = {}
    for status in mappings(at(pod, "status", "containerStatuses")):
        ran = _lifetime(mapping(at(status, "state", "terminated")))
        for name, amount in asked.get(text(status.get("name")), {}).items():
            used[name] = used.get(name, 0) + int(amount * ran)
    return used


def _asked(container: Body) -> dict[str, Fraction]:
    resources = mapping(container.get("resources"))
    amounts = {"cpu": ASSUMED_CPU, **mapping(resources.get("limits")), **mapping(resources.get("requests"))}
    return {name: quantity(str(amount)) for name, amount in amounts.items() if is_quantity(str(amount))}


def _lifetime(ended: Body) -> int:
    try:
        start, end = (datetime.fromisoformat(text(ended.get(key))) for key in ("startedAt", "finishedAt"))
    except ValueError:
        return 0
    return max(0, int((end - start).total_seconds()))
