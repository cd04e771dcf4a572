"""Which backends a request may go to, by its Host header.

Pure. The engine replaces the table, the gateway reads it; like a Gateway API route it has weights, so that a
canary is two entries of one route.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlplane.api.meta import Body
from mlplane.local.inference.variants import workload_name
from mlplane.local.nodenames import PORT_ANNOTATION

DOMAIN = "localhost"
DEFAULT_TIMEOUT_SECONDS = 60.0
_STRIDE = 61
"""Prime, and about 0.618 of 100: takes every percent once in a hundred turns, and never a few in a row."""


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
    """Where the requests for one host go."""

    service: str
    """Namespace and name, for messages."""
    targets: tuple[Weighted, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    """How long a request may take."""

    def order(self, turn: int) -> tuple[Backend, ...]:
        """The backends of the target whose turn it is, the one to be asked first in front.

        A target without a backend keeps its share, which then fails: a canary must not get more than its
        part because the stable predictor is away.

        Args:
            turn: Number of the request. A hundred requests in a row are split exactly by the weights.
        """
        total = sum(target.weight for target in self.targets)
        point = turn * _STRIDE % total if total else 0
        for target in self.targets:
            if point < target.weight:
                first = (point + turn // total) % len(target.backends) if target.backends else 0
                return (*target.backends[first:], *target.backends[:first])
            point -= target.weight
        return ()


@dataclass
class Table:
    """The routes by host."""

    routes: Mapping[str, Route] = field(default_factory=dict)

    def replace(self, service: str, routes: Mapping[str, Route]) -> None:
        """Put these routes in the place of all that a service had."""
        kept = {host: route for host, route in self.routes.items() if route.service != service}
        self.routes = {**kept, **routes}

    def close(self, service: str, backends: Collection[Backend]) -> None:
        """Send nothing to these backends of a service any more; what was theirs is answered by nobody."""

        def without(route: Route) -> Route:
            left = [(t.weight, tuple(b for b in t.backends if b not in backends)) for t in route.targets]
            return replace(route, targets=tuple(Weighted(*target) for target in left))

        self.routes = {
            host: without(route) if route.service == service else route for host, route in self.routes.items()
        }

    def find(self, host_header: str) -> Route | None:
        """The route for a Host header; its port does not matter."""
        return self.routes.get(host_header.rsplit(":", 1)[0].lower())


def host_of(service: Body) -> str:
    """The name that a service is reached by (KServe's default domain template)."""
    return _public(service["metadata"]["name"], service)


def public_host_of(service: Body, workload: str) -> str:
    """The name that KServe gives to one predictor outside the cluster."""
    return _public(workload, service)


def own_host_of(service: Body, workload: str) -> str:
    """The name of the Service of one predictor; ``cluster.local`` is ``localhost`` here."""
    return f"{workload}.{service['metadata']['namespace']}.svc.{DOMAIN}"


def shared_hosts_of(service: Body) -> tuple[str, ...]:
    """The names that stand for all predictors together, by their weights."""
    return (host_of(service), _public(workload_name(service, ""), service))


def owners(services: Iterable[Body]) -> dict[str, Body]:
    """Who has which shared host: two services may come to the same name, and then the older one keeps it."""
    found: dict[str, Body] = {}
    for service in sorted(services, key=_seniority):
        for host in shared_hosts_of(service):
            found.setdefault(host, service)
    return found


def _public(name: str, service: Body) -> str:
    return f"{name}-{service['metadata']['namespace']}.{DOMAIN}"


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
