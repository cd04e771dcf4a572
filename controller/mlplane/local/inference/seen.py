"""What the engine has seen of the cluster: InferenceServices, their runtimes and their Pods.

Filled by watches. An event only says which services to look at again. Used by ``engine``.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.port import Cluster
from mlplane.errors import Transient
from mlplane.local.inference.pods import COMPONENT, COMPONENT_LABEL, SERVICE_LABEL
from mlplane.local.inference.routes import shared_hosts_of
from mlplane.names import INFERENCE_SERVICE_API_VERSION, INFERENCE_SERVICE_KIND

_log = logging.getLogger(__name__)
RUNTIME_API_VERSION = "serving.kserve.io/v1alpha1"
RUNTIME_KIND = "ClusterServingRuntime"
RETRY_SECONDS = 1.0

SERVICES = Query(INFERENCE_SERVICE_API_VERSION, INFERENCE_SERVICE_KIND)
RUNTIMES = Query(RUNTIME_API_VERSION, RUNTIME_KIND)
PODS = Query("v1", "Pod", labels=((COMPONENT_LABEL, COMPONENT),))
QUERIES = (SERVICES, RUNTIMES, PODS)

Key = tuple[str, str]
"""Namespace and name of an InferenceService."""


class Seen:
    """The newest state that is known of each object; ``look_at`` is told whom a change concerns."""

    def __init__(self, cluster: Cluster, look_at: Callable[[Iterable[Key]], None]) -> None:
        self._cluster = cluster
        self._look_at = look_at
        self._objects: dict[str, dict[Ref, Body]] = {query.kind: {} for query in QUERIES}
        self._synced: set[str] = set()

    @property
    def is_complete(self) -> bool:
        """Whether everything was seen once: half of the picture looks as if objects were missing."""
        return len(self._synced) == len(QUERIES)

    async def follow(self, query: Query) -> None:
        """Keep up with a kind, for ever."""
        while True:
            try:
                await self._follow(query)
            except Transient as error:
                _log.warning("watching %s: %s; trying again", query.kind, error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, query: Query) -> None:
        """One watch; what was known before and is not listed again is gone."""
        listed: dict[Ref, Body] = {}
        async for event in self._cluster.watch(query):
            if event.type == "SYNCED":
                self._look_at(self.keys())
                self._objects[query.kind] = listed
                self._synced.add(query.kind)
                self._look_at(self.keys())
                continue
            if event.type == "DELETED":
                listed.pop(ref_of(event.body), None)
            else:
                listed[ref_of(event.body)] = event.body
            if self._objects[query.kind] is listed:
                self._look_at(self._touched(event.body))

    def services(self) -> list[Body]:
        """All InferenceServices."""
        return list(self._objects[INFERENCE_SERVICE_KIND].values())

    def service(self, key: Key) -> Body | None:
        """An InferenceService."""
        return self._objects[INFERENCE_SERVICE_KIND].get(
            Ref(INFERENCE_SERVICE_API_VERSION, INFERENCE_SERVICE_KIND, *key)
        )

    def runtimes(self) -> dict[str, Body]:
        """All runtimes, by name."""
        return {ref.name: body for ref, body in self._objects[RUNTIME_KIND].items()}

    def pods_of(self, key: Key) -> tuple[Body, ...]:
        """The Pods under the name of a service."""
        return tuple(pod for pod in self._objects["Pod"].values() if _key_of_pod(pod) == key)

    def keys(self) -> list[Key]:
        """All services, and those that only Pods are left of."""
        pods = self._objects["Pod"].values()
        return [*map(key_of, self.services()), *(key for pod in pods if (key := _key_of_pod(pod)))]

    def _touched(self, body: Body) -> list[Key]:
        """The services that an event is about."""
        match body["kind"]:
            case "Pod":
                key = _key_of_pod(body)
                return [key] if key else []
            case "InferenceService":
                # Its host may have become free, or be taken now.
                hosts = set(shared_hosts_of(body))
                others = (s for s in self.services() if hosts & set(shared_hosts_of(s)))
                return [key_of(body), *map(key_of, others)]
        return self.keys()


def key_of(service: Body) -> Key:
    """Namespace and name of a service."""
    return (service["metadata"]["namespace"], service["metadata"]["name"])


def _key_of_pod(pod: Body) -> Key | None:
    name = (pod["metadata"].get("labels") or {}).get(SERVICE_LABEL)
    return (pod["metadata"]["namespace"], name) if name else None
