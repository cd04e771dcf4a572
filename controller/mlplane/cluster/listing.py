"""All objects of a query, page by page. Used by ``kube`` and ``watching``."""

from mlplane.api.meta import Body
from mlplane.api.refs import Query
from mlplane.cluster.discovery import Discovery
from mlplane.cluster.transport import JSON, Transport

PAGE = 500


def selectors(query: Query) -> dict[str, str]:
    """The query parameters that select by labels and fields."""
    chosen = {
        "labelSelector": ",".join(key if value is None else f"{key}={value}" for key, value in query.labels),
        "fieldSelector": ",".join(f"{key}={value}" for key, value in query.fields),
    }
    return {name: value for name, value in chosen.items() if value}


METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""How a list is asked for that holds metadata only."""


async def list_pages(
    transport: Transport, discovery: Discovery, query: Query, accept: str = JSON
) -> tuple[list[Body], str]:
    """The objects and the version that a watch goes on from.

    Raises:
        UnknownKind: The kind is not served.
        Transient: Also if the list changed too much while it was read; try again.
        Terminal: The server refused.
    """
    items: list[Body] = []
    params = {**selectors(query), "limit": str(PAGE)}
    while True:
        path = await discovery.query_path(query)
        reply = await transport.request("GET", path, params=params, accept=accept)
        if reply.code == 404:
            discovery.forget(query.api_version)
            await discovery.query_path(query)
        page = reply.checked(f"list {query.kind}")
        # A list of metadata that is empty says null.
        found = page["items"] or ()
        items += [{"apiVersion": query.api_version, "kind": query.kind, **item} for item in found]
        token = page["metadata"].get("continue")
        if not token:
            return items, page["metadata"]["resourceVersion"]
        params["continue"] = token
