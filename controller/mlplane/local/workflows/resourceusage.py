"""``resourcesDuration``: what Pods have asked for, times how long they ran, as Argo counts it. Pure."""

from collections.abc import Iterable
from fractions import Fraction

from mlplane.api import Body
from mlplane.api.quantities import quantity
from mlplane.local.workflows.clock import moment

Usage = dict[str, int]
"""Resource to seconds: of one CPU, of 100Mi of memory, of 10Gi of storage."""

_ASSUMED = {"cpu": "100m", "memory": "100Mi"}
"""What a container is taken to use that asks for nothing."""
_UNITS = {"memory": "100Mi", "storage": "10Gi", "ephemeral-storage": "10Gi"}


def usage_of(pod: Body) -> Usage:
    """What a Pod that has ended has used."""
    asked = {c["name"]: _asked(c) for c in (*_inits(pod), *pod["spec"]["containers"])}
    total: Usage = {}
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        seconds = _seconds((container.get("state") or {}).get("terminated") or {})
        used = {
            name: int(quantity(amount) * seconds / quantity(_UNITS.get(name, "1")))
            for name, amount in asked.get(container["name"], {}).items()
        }
        total = added((total, used))
    return total


def added(usages: Iterable[Usage]) -> Usage:
    """The sum."""
    total: Usage = {}
    for usage in usages:
        for name, seconds in usage.items():
            total[name] = total.get(name, 0) + seconds
    return total


def _asked(container: Body) -> dict[str, str]:
    resources = container.get("resources") or {}
    found = {**_ASSUMED, **(resources.get("limits") or {}), **(resources.get("requests") or {})}
    return {name: str(amount) for name, amount in found.items()}


def _inits(pod: Body) -> list[Body]:
    return pod["spec"].get("initContainers") or []


def _seconds(ended: Body) -> Fraction:
    if not ended.get("startedAt") or not ended.get("finishedAt"):
        return Fraction(0)
    return Fraction(int((moment(ended["finishedAt"]) - moment(ended["startedAt"])).total_seconds()))
