"""What shall be done about one InferenceService, worked out from what is there.

Pure and level-triggered: the same observation always gives the same plan, and doing half of a plan leads to
an observation from which the rest is planned again. A changed predictor rolls: new Pods first, then the
traffic moves, then the old Pods go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlplane.api.meta import Body
from mlplane.local.inference.pods import is_of, pods_for, predictor_of, revision_of
from mlplane.local.inference.routes import DEFAULT_TIMEOUT_SECONDS, Backend, Route, Weighted, backend_of


@dataclass(frozen=True)
class Observed:
    """What is there for one InferenceService."""

    service: Body
    runtime: Body | None
    """The ClusterServingRuntime that it names, if there is one."""
    pods: tuple[Body, ...]
    """All Pods of its name, also those of an earlier service of the same name."""
    problems: tuple[str, ...] = ()
    """What in it or in its runtime is not supported; without any, both have the fields that are needed."""


@dataclass(frozen=True)
class Refusal:
    """Why a service cannot be planned; ``reason`` is one of KServe's."""

    reason: str
    message: str


@dataclass(frozen=True)
class Plan:
    """What to do, in this order: route, create, delete."""

    route: Route
    create: tuple[Body, ...] = ()
    delete: tuple[Body, ...] = ()
    desired: tuple[str, ...] = ()
    """Names of the Pods that there shall be."""
    refusal: Refusal | None = None


def plan(observed: Observed) -> Plan:
    """What to do about an InferenceService."""
    service = observed.service
    own = [pod for pod in observed.pods if is_of(pod, service)]
    strangers = tuple(pod for pod in observed.pods if not is_of(pod, service))
    if refusal := refusal_of(observed):
        # What serves goes on serving: a mistake in a new spec does not take the old one down.
        return Plan(_route(service, _serving(own, ())), delete=strangers, refusal=refusal)
    assert observed.runtime is not None  # noqa: S101  refusal_of has looked
    desired = pods_for(service, observed.runtime)
    names = tuple(pod["metadata"]["name"] for pod in desired)
    present = {pod["metadata"]["name"]: pod for pod in own}
    create = tuple(pod for pod in desired if pod["metadata"]["name"] not in present)
    ended = [pod for name, pod in present.items() if name in names and has_ended(pod)]
    replaced = _replaced(own, names)
    serving = _serving(own, names) if names else ()
    return Plan(_route(service, serving), create, (*strangers, *ended, *replaced), names)


def refusal_of(observed: Observed) -> Refusal | None:
    """Why nothing can be planned; the first reason that applies."""
    if observed.problems:
        return Refusal("InvalidPredictorSpec", "; ".join(observed.problems))
    model = predictor_of(observed.service)["model"]
    if observed.runtime is None:
        return Refusal(
            "RuntimeNotRecognized", f"there is no ClusterServingRuntime {model['runtime']!r}; apply it"
        )
    return _runtime_refusal(observed.runtime, model)


def _runtime_refusal(runtime: Body, model: Body) -> Refusal | None:
    name, spec = runtime["metadata"]["name"], runtime["spec"]
    if spec.get("disabled"):
        return Refusal("RuntimeDisabled", f"ClusterServingRuntime {name!r} is disabled")
    formats = [f["name"] for f in spec.get("supportedModelFormats") or ()]
    if (wanted := model["modelFormat"]["name"]) not in formats:
        return Refusal(
            "NoSupportingRuntime",
            f"ClusterServingRuntime {name!r} does not support model format {wanted!r}; it supports "
            f"{', '.join(formats) or 'none'}",
        )
    return None


def is_ready(pod: Body) -> bool:
    """Whether requests may be sent to a Pod."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return not is_going(pod) and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def is_going(pod: Body) -> bool:
    """Whether a Pod was deleted and its processes are being ended."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def has_ended(pod: Body) -> bool:
    """Whether a Pod will not run again, as after its node was lost: another must take its place."""
    return (pod.get("status") or {}).get("phase") in ("Failed", "Succeeded") and not is_going(pod)


def _is_complete(own: Iterable[Body], names: Sequence[str]) -> bool:
    """Whether all Pods that shall be are ready."""
    return set(names) <= {pod["metadata"]["name"] for pod in own if is_ready(pod)}


def _replaced(own: Sequence[Body], names: Sequence[str]) -> list[Body]:
    """Pods that are no longer wanted: once the wanted ones are ready, or if they serve nobody anyway."""
    old = [pod for pod in own if pod["metadata"]["name"] not in names and not is_going(pod)]
    return old if _is_complete(own, names) else [pod for pod in old if not is_ready(pod)]


def _serving(own: Sequence[Body], names: Sequence[str]) -> tuple[Backend, ...]:
    """Who gets the traffic: the new Pods when all are ready, until then the old ones, if there are any."""
    ready = [pod for pod in own if is_ready(pod)]
    new = [pod for pod in ready if pod["metadata"]["name"] in names]
    old = [pod for pod in ready if pod["metadata"]["name"] not in names]
    chosen = new if (names and _is_complete(own, names)) or not old else _newest_revision(old)
    return tuple(backend for pod in chosen if (backend := backend_of(pod)))


def _newest_revision(pods: Sequence[Body]) -> list[Body]:
    """One revision answers at a time, also when a rollout replaced an unfinished rollout."""
    newest = max(pods, key=lambda pod: (pod["metadata"].get("creationTimestamp") or "", revision_of(pod)))
    return [pod for pod in pods if revision_of(pod) == revision_of(newest)]


def _route(service: Body, backends: tuple[Backend, ...]) -> Route:
    meta, timeout = service["metadata"], predictor_of(service).get("timeout")
    targets = (Weighted(100, backends),) if backends else ()
    seconds = float(timeout) if isinstance(timeout, int) else DEFAULT_TIMEOUT_SECONDS
    return Route(f"{meta['namespace']}/{meta['name']}", targets, seconds)
