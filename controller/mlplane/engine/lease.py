"""What a Lease says about who works, and how it is claimed. Pure: times are arguments.

The rules are client-go's. Clocks of different machines are never compared: how long another holder has been
silent is counted from when *this* process saw its Lease change, on its own monotonic clock. What a Lease
says in fields that cannot be read counts as little as possible: a holder is waited for in any case. Used by
``leadership``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from mlplane.api.meta import Body
from mlplane.api.refs import Ref

API_VERSION = "coordination.k8s.io/v1"
KIND = "Lease"
LONGEST_S = 3600.0


@dataclass(frozen=True)
class Terms:
    """Times in seconds; the first must be longer than the second, and that longer than the third."""

    duration: float = 15.0
    """For how long others leave a holder alone after the last renewal that they saw."""
    deadline: float = 10.0
    """A holder that could not renew for this long stops."""
    retry: float = 2.0
    """Between two renewals, and between two looks of one who waits."""


@dataclass(frozen=True)
class Sight:
    """A version of the Lease, and when this process first saw it, on its monotonic clock."""

    version: str | None
    at: float


def seen(before: Sight | None, lease: Body | None, now: float) -> Sight:
    """The sight after another look: only a change of the Lease counts as a sign of life."""
    version = lease["metadata"]["resourceVersion"] if lease else None
    return before if before and before.version == version else Sight(version, now)


def holder_of(lease: Body | None) -> str | None:
    """Who holds it; None for nobody."""
    holder = _spec(lease).get("holderIdentity")
    return str(holder) if holder else None


def free_at(lease: Body | None, me: str, sight: Sight, terms: Terms) -> float:
    """When ``me`` may claim the Lease, on this process's clock; in the past if at once."""
    if holder_of(lease) in (None, me):
        return float("-inf")
    seconds = _spec(lease).get("leaseDurationSeconds")
    if not isinstance(seconds, int) or not 0 < seconds <= LONGEST_S:
        seconds = terms.duration
    return sight.at + seconds


def claim(ref: Ref, lease: Body | None, me: str, now: datetime, terms: Terms) -> Body:
    """What to write so that ``me`` holds the Lease: the whole object, or a patch of the one that was read."""
    old, moment = _spec(lease), now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    renewal: Body = {"holderIdentity": me, "renewTime": moment, "leaseDurationSeconds": int(terms.duration)}
    if lease is None:
        metadata = {"name": ref.name, "namespace": ref.namespace}
        spec = renewal | {"acquireTime": moment, "leaseTransitions": 0}
        return {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    if holder_of(lease) != me:
        before = old.get("leaseTransitions")
        renewal |= {"acquireTime": moment, "leaseTransitions": before + 1 if type(before) is int else 1}
    return _patch(lease, renewal)


def release(lease: Body) -> Body:
    """A patch of the Lease that was read, after which nobody holds it."""
    return _patch(lease, {"holderIdentity": None})


def _patch(lease: Body, spec: Body) -> Body:
    """With the version that was read as its condition: whoever was faster has won."""
    return {"metadata": {"resourceVersion": lease["metadata"]["resourceVersion"]}, "spec": spec}


def _spec(lease: Body | None) -> Body:
    spec = (lease or {}).get("spec")
    return spec if isinstance(spec, dict) else {}
