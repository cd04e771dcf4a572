"""Which backends a request may go to, by its Host header.

Pure. The engine replaces the table, the gateway reads it; like a Gateway API route it has weights, so that a
canary is two entries of one route.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlplane.api.meta import Body
from mlplane.local.nodenames import PORT_ANNOTATION

DOMAIN = "localhost"
DEFAULT_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Backend:
    """A server that can answer."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Weighted:
    """Backends that share a part of the traffic equally."""

    weight: int
    backends: tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the requests for one host go; no backends means that none is ready."""

    service: str
    """Namespace and name, for messages."""
    targets: tuple[Weighted, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    """How long a backend may be silent."""

    def order(self, draw: float) -> tuple[Backend, ...]:
        """All backends, those to be asked first in front.

        Args:
            draw: Random number from 0 up to, not including, 1. Decides the target, and where in it to begin.
        """
        usable = [t for t in self.targets if t.backends and t.weight > 0]
        point = draw * sum(t.weight for t in usable)
        for index, target in enumerate(usable):
            if point < target.weight:
                first = int(point / target.weight * len(target.backends))
                rest = [b for t in (*usable[:index], *usable[index + 1 :]) for b in t.backends]
                return (*target.backends[first:], *target.backends[:first], *rest)
            point -= target.weight
        return ()


@dataclass
class Table:
    """The routes by host."""

    routes: Mapping[str, Route] = field(default_factory=dict)

    def find(self, host_header: str) -> Route | None:
        """The route for a Host header; its port does not matter."""
        return self.routes.get(host_header.rsplit(":", 1)[0].lower())


def host_of(service: Body) -> str:
    """The name that a service is reached by (KServe's default domain template)."""
    meta = service["metadata"]
    return f"{meta['name']}-{meta['namespace']}.{DOMAIN}"


def owners(services: Iterable[Body]) -> dict[str, Body]:
    """Who has which host: two services may come to the same name, and then the older one keeps it."""
    found: dict[str, Body] = {}
    for service in sorted(services, key=_seniority):
        found.setdefault(host_of(service), service)
    return found


def _seniority(service: Body) -> tuple[str, str, str]:
    meta = service["metadata"]
    return (meta.get("creationTimestamp") or "", meta["namespace"], meta["name"])


def backend_of(pod: Body) -> Backend | None:
    """Where a Pod listens; None while that is not known."""
    status = pod.get("status") or {}
    chosen = (pod["metadata"].get("annotations") or {}).get(PORT_ANNOTATION, "")
    declared = pod["spec"]["containers"][0].get("ports") or [{}]
    port = int(chosen) if chosen.isdecimal() else declared[0].get("containerPort")
    if not status.get("podIP") or not port:
        return None
    return Backend(status["podIP"], port)
