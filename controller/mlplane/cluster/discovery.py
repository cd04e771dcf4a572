"""Which path of the API a kind is served under: asked of the server, kept, asked again when one is missing.

Used by ``kube`` and ``watching``.
"""

from dataclasses import dataclass
from urllib.parse import quote

from mlplane.api.refs import Query, Ref
from mlplane.cluster.transport import Transport
from mlplane.errors import Terminal


class UnknownKind(Terminal):
    """The API server does not serve this kind: its CRD is not installed."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a kind is reached."""

    prefix: str
    plural: str
    namespaced: bool

    def collection(self, namespace: str | None) -> str:
        """Path of all objects, of a namespace or (``None``) of all."""
        inside = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{self.prefix}{inside}/{self.plural}"


class Discovery:
    """The kinds of one API server."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._routes: dict[tuple[str, str], Route] = {}

    async def object_path(self, ref: Ref, subresource: str = "") -> str:
        """Path of an object or its subresource. Raises UnknownKind; Terminal without a needed namespace."""
        path = f"{await self.collection_of(ref)}/{quote(ref.name, safe='')}"
        return f"{path}/{subresource}" if subresource else path

    async def collection_of(self, ref: Ref) -> str:
        """Path of the collection that an object is in. Raises like ``object_path``."""
        route = await self._route(ref.api_version, ref.kind)
        if route.namespaced and not ref.namespace:
            raise Terminal(f"{ref}: {ref.kind} is a namespaced kind: metadata.namespace is missing")
        return route.collection(ref.namespace)

    async def query_path(self, query: Query) -> str:
        """Path of the collection that a query asks. Raises UnknownKind."""
        return (await self._route(query.api_version, query.kind)).collection(query.namespace)

    def forget(self, api_version: str) -> None:
        """Ask again next time: a path was not found."""
        self._routes = {key: route for key, route in self._routes.items() if key[0] != api_version}

    async def _route(self, api_version: str, kind: str) -> Route:
        if (api_version, kind) not in self._routes:
            await self._refresh(api_version)
        try:
            return self._routes[api_version, kind]
        except KeyError:
            raise UnknownKind(
                f"the API server has no kind {kind} in {api_version}; install its CustomResourceDefinition"
            ) from None

    async def _refresh(self, api_version: str) -> None:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        reply = await self._transport.request("GET", prefix)
        found = [] if reply.code == 404 else reply.checked(f"discover {api_version}")["resources"]
        self.forget(api_version)
        for resource in found:
            if "/" not in resource["name"]:
                route = Route(prefix, resource["name"], resource["namespaced"])
                self._routes[api_version, resource["kind"]] = route
