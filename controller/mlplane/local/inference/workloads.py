"""The Pods of one predictor: which there shall be, which are there, which of them get the traffic.

What a Deployment and a Service do in KServe. Pure; ``planning`` makes these, ``status`` reads them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlplane.api.meta import Body
from mlplane.local.inference.pods import revision_of
from mlplane.local.inference.routes import Backend, backend_of
from mlplane.local.inference.variants import Variant


@dataclass(frozen=True)
class Workload:
    """One predictor and its Pods."""

    variant: Variant
    desired: tuple[Body, ...]
    """The Pods that there shall be."""
    pods: tuple[Body, ...]
    """The Pods under its name, of every revision."""

    @property
    def wanted(self) -> tuple[Body, ...]:
        """The Pods that are there and shall be."""
        names = self._names()
        return tuple(pod for pod in self.pods if name_of(pod) in names)

    @property
    def missing(self) -> tuple[Body, ...]:
        """The Pods that shall be and are not there; one of that name may still be ending."""
        present = {name_of(pod) for pod in self.pods}
        return tuple(pod for pod in self.desired if name_of(pod) not in present)

    @property
    def surplus(self) -> tuple[Body, ...]:
        """Pods to delete: the ended, which are made again, and those that nobody needs any longer."""
        names = self._names()
        ended = [pod for pod in self.wanted if has_ended(pod)]
        old = [pod for pod in self.pods if name_of(pod) not in names and not is_going(pod)]
        return (*ended, *(old if self.is_complete else (pod for pod in old if not is_ready(pod))))

    @property
    def available(self) -> int:
        """How many Pods under its name are ready, of whatever revision."""
        return sum(map(is_ready, self.pods))

    @property
    def is_complete(self) -> bool:
        """Whether all Pods that shall be are ready."""
        return self._names() <= {name_of(pod) for pod in self.pods if is_ready(pod)}

    @property
    def backends(self) -> tuple[Backend, ...]:
        """Who gets its traffic: the new Pods when all are ready, until then the old ones, if any."""
        names = self._names()
        ready = [pod for pod in self.pods if is_ready(pod)]
        new = [pod for pod in ready if name_of(pod) in names]
        old = [pod for pod in ready if name_of(pod) not in names]
        chosen = new if (names and self.is_complete) or not old else _newest_revision(old)
        return tuple(backend for pod in chosen if (backend := backend_of(pod)))

    def _names(self) -> set[str]:
        return {name_of(pod) for pod in self.desired}


def newest_first(pods: Iterable[Body]) -> list[Body]:
    """Pods by their age, as KServe looks at them; those of one second by their name."""
    by_name = sorted(pods, key=name_of)
    return sorted(by_name, key=lambda pod: pod["metadata"].get("creationTimestamp") or "", reverse=True)


def name_of(pod: Body) -> str:
    """The name of a Pod."""
    return str(pod["metadata"]["name"])


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


def _newest_revision(pods: Sequence[Body]) -> list[Body]:
    """One revision answers at a time, also when a rollout replaced an unfinished rollout."""
    newest = newest_first(pods)[0]
    return [pod for pod in pods if revision_of(pod) == revision_of(newest)]
