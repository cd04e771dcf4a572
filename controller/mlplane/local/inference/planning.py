"""What shall be done about one InferenceService, worked out from what is there.

Pure and level-triggered: the same observation always gives the same plan, and doing half of a plan leads to
an observation from which the rest is planned again. A changed predictor rolls under its name: new Pods first,
then the traffic moves, then the old Pods go. One that is in the spec no longer goes before the traffic moves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlplane.api.meta import Body
from mlplane.local.inference.pods import is_of, pods_for, workload_of
from mlplane.local.inference.refusals import Refusal, refusal_of
from mlplane.local.inference.routes import (
    DEFAULT_TIMEOUT_SECONDS,
    Backend,
    Route,
    Weighted,
    own_host_of,
    public_host_of,
    shared_hosts_of,
)
from mlplane.local.inference.variants import (
    Variant,
    canaries_of,
    predictor_of,
    serving_workload,
    stable_of,
    workload_name,
)
from mlplane.local.inference.workloads import Workload, is_going


@dataclass(frozen=True)
class Observed:
    """What is there for one InferenceService."""

    service: Body
    runtimes: Mapping[str, Body]
    """All ClusterServingRuntimes, by name."""
    pods: tuple[Body, ...]
    """All Pods of its name, also those of an earlier service of the same name."""
    problems: tuple[str, ...] = ()
    """What in it or in its runtimes is not supported; without any, they have the fields that are needed."""


@dataclass(frozen=True)
class Plan:
    """What to do, in this order: drop, route, create, write the status, delete."""

    routes: Mapping[str, Route]
    """By host; empty if none shall lead to the service."""
    drop: tuple[Body, ...] = ()
    """Pods of predictors that are in the spec no longer; nothing is sent to them from now on."""
    create: tuple[Body, ...] = ()
    delete: tuple[Body, ...] = ()
    stable: Workload | None = None
    """None where the spec was refused."""
    canaries: tuple[Workload, ...] = ()
    refusal: Refusal | None = None


def plan(observed: Observed) -> Plan:
    """What to do about an InferenceService."""
    service = observed.service
    own = [pod for pod in observed.pods if is_of(pod, service)]
    strangers = tuple(pod for pod in observed.pods if not is_of(pod, service))
    if refusal := refusal_of(service, observed.runtimes, observed.problems):
        # What serves goes on serving: a mistake in a new spec does not take the old one down.
        return Plan(_recorded_routes(service, own), delete=strangers, refusal=refusal)
    canaries = tuple(_workload(observed, variant, own) for variant in canaries_of(service))
    ready = [canary.variant.name for canary in canaries if canary.available]
    stable = _workload(observed, stable_of(service, ready), own)
    every = (stable, *canaries)
    named = {workload.variant.workload for workload in every}
    return Plan(
        _routes(service, stable, canaries),
        drop=tuple(pod for pod in own if workload_of(pod) not in named and not is_going(pod)),
        create=tuple(pod for workload in every for pod in workload.missing),
        delete=(*strangers, *(pod for workload in every for pod in workload.surplus)),
        stable=stable,
        canaries=canaries,
    )


def _workload(observed: Observed, variant: Variant, own: Sequence[Body]) -> Workload:
    runtime = observed.runtimes[variant.predictor["model"]["runtime"]]
    desired = tuple(pods_for(observed.service, runtime, variant))
    return Workload(variant, desired, tuple(pod for pod in own if workload_of(pod) == variant.workload))


def _routes(service: Body, stable: Workload, canaries: Sequence[Workload]) -> dict[str, Route]:
    if not stable.desired:
        return {}
    split = [(c.variant.percent, c.backends) for c in canaries if c.available]
    shared = [(100 - sum(percent for percent, _ in split), stable.backends), *split]
    own = {w.variant.workload: w.backends for w in (stable, *canaries)}
    return _hosts(service, shared, own)


def _recorded_routes(service: Body, own: Sequence[Body]) -> dict[str, Route]:
    """The routes to what the status says is serving."""
    status = service.get("status") or {}
    ready = [canary for canary in status.get("canaryStatuses") or () if canary["ready"]]
    shares = {workload_name(service, canary["name"]): canary["trafficPercent"] for canary in ready}
    shares = {serving_workload(service): 100 - sum(shares.values()), **shares}
    backends = {name: _backends_of(name, own) for name in shares}
    split = [(percent, backends[name]) for name, percent in shares.items()]
    return _hosts(service, split, {name: found for name, found in backends.items() if found})


def _backends_of(workload: str, own: Sequence[Body]) -> tuple[Backend, ...]:
    pods = tuple(pod for pod in own if workload_of(pod) == workload)
    return Workload(Variant("", workload, {}, 0), (), pods).backends


def _hosts(
    service: Body, shared: Sequence[tuple[int, tuple[Backend, ...]]], own: Mapping[str, tuple[Backend, ...]]
) -> dict[str, Route]:
    routes: dict[str, Route] = {}
    for workload, backends in own.items():
        alone = _route(service, [(100, backends)])
        routes |= {host(service, workload): alone for host in (public_host_of, own_host_of)}
    # Last, because the public name of a predictor without a name is one that all predictors share.
    return routes | dict.fromkeys(shared_hosts_of(service), _route(service, shared))


def _route(service: Body, shares: Sequence[tuple[int, tuple[Backend, ...]]]) -> Route:
    meta, timeout = service["metadata"], predictor_of(service).get("timeout")
    seconds = float(timeout) if isinstance(timeout, int) else DEFAULT_TIMEOUT_SECONDS
    targets = tuple(Weighted(weight, backends) for weight, backends in shares)
    return Route(f"{meta['namespace']}/{meta['name']}", targets, seconds)
