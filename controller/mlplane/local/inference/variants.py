"""The predictors of an InferenceService: the stable one, and its canaries laid over it.

KServe makes a Deployment of each and names it by ``predictor.name``; the Pods here are named and counted
alike, so that promoting a canary (its name becomes the stable one's) finds its Pods in place. Pure.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from mlplane.api.meta import Body

STOP_ANNOTATION = "serving.kserve.io/stop"


@dataclass(frozen=True)
class Variant:
    """One predictor and how much of it there shall be."""

    name: str
    """``predictor.name``; may be empty for the stable one."""
    workload: str
    """Name of the Deployment that KServe would make of it; the names of its Pods begin with it."""
    predictor: Body
    replicas: int
    percent: int = 0
    """Share of the traffic that a canary gets once it is ready; the stable one gets the rest."""


def stable_of(service: Body, ready: Iterable[str] = ()) -> Variant:
    """The stable predictor.

    Args:
        service: An InferenceService.
        ready: Names of canaries that are ready: they take over a part of its replicas, all but the last.
    """
    predictor = predictor_of(service)
    taken = sum(_canary_share(service, c) for c in _canaries(service) if c["predictor"]["name"] in set(ready))
    replicas = 0 if is_stopped(service) else max(1, _minimum(service) - taken)
    name = predictor.get("name") or ""
    return Variant(name, workload_name(service, name), predictor, replicas)


def canaries_of(service: Body) -> tuple[Variant, ...]:
    """The canaries, in the order of the spec; what one leaves out is as in the stable predictor."""
    return tuple(_canary(service, canary) for canary in _canaries(service))


def workload_name(service: Body, name: str) -> str:
    """What the Deployment of a predictor of this name is called in KServe."""
    return "-".join(part for part in (service["metadata"]["name"], name, "predictor") if part)


def serving_workload(service: Body) -> str:
    """The workload that was the stable one when the service was last ready; empty if it never was."""
    components = (service.get("status") or {}).get("components") or {}
    host = urlsplit((components.get("predictor") or {}).get("url") or "").hostname or ""
    return host.partition(".")[0].removesuffix(f"-{service['metadata']['namespace']}")


def is_stopped(service: Body) -> bool:
    """Whether the annotation says that nothing shall run."""
    return (service["metadata"].get("annotations") or {}).get(STOP_ANNOTATION) == "true"


def predictor_of(service: Body) -> Body:
    """``spec.predictor``, also of a service that has none and is going to be refused."""
    predictor = (service.get("spec") or {}).get("predictor")
    return predictor if isinstance(predictor, dict) else {}


def _canaries(service: Body) -> list[Body]:
    return service["spec"].get("canary") or []


def _minimum(service: Body) -> int:
    """``minReplicas`` of the stable predictor; without an autoscaler that is how many there are."""
    return int(predictor_of(service).get("minReplicas") or 1)


def _canary_share(service: Body, canary: Body) -> int:
    given = canary["predictor"].get("minReplicas")
    return int(given) if given else math.ceil(_minimum(service) * canary["trafficPercent"] / 100)


def _canary(service: Body, canary: Body) -> Variant:
    name = canary["predictor"]["name"]
    # One without traffic (a dark launch) has a Pod too: KServe's autoscaler knows no smaller number than one.
    replicas = 0 if is_stopped(service) else max(1, _canary_share(service, canary))
    predictor = _laid_over(predictor_of(service), canary["predictor"])
    return Variant(name, workload_name(service, name), predictor, replicas, canary["trafficPercent"])


def _laid_over(below: Body, above: Body) -> Body:
    """Maps are merged; everything else, lists too, is replaced."""
    both = {k: _laid_over(below[k], v) for k, v in above.items() if _are_maps(below.get(k), v)}
    return below | above | both


def _are_maps(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)
