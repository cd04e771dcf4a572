"""The one implementation of ``port.Cluster``: any server that speaks the Kubernetes API, over aiohttp.

Raw requests rather than the official client: the port needs seven verbs on plain JSON, and this way they cost
one import of 0.1 s, one connection pool, and no model classes (see ``access`` for what was measured).
Called by everything that touches the world: the controller, the engines of the local plane, the commands.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import aiohttp

from mlplane.api.meta import Body
from mlplane.api.refs import Query, Ref, ref_of
from mlplane.cluster.access import load
from mlplane.cluster.discovery import Discovery
from mlplane.cluster.listing import METADATA, list_pages
from mlplane.cluster.port import Event
from mlplane.cluster.transport import APPLY_PATCH, MERGE_PATCH, Transport
from mlplane.cluster.watching import Watch

CONNECTIONS = 256
"""Each watch holds one of them."""


@asynccontextmanager
async def connect(kubeconfig: Path | None = None, context: str | None = None) -> AsyncIterator["KubeCluster"]:
    """A cluster to work with, by a kubeconfig ($KUBECONFIG by default) or the pod's service account.

    Makes no request. Raises InvalidInput if there is no usable configuration.
    """
    access = await asyncio.to_thread(load, kubeconfig, context)
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield KubeCluster(Transport(access, session))


class KubeCluster:
    """A Kubernetes API. Satisfies ``port.Cluster``; ``logs`` is for the commands, ``token`` for the plane."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._discovery = Discovery(transport)
        self.namespace = transport.access.namespace
        """The namespace that the kubeconfig's context names."""

    async def get(self, ref: Ref) -> Body | None:
        """The object, or None. Raises UnknownKind (Terminal) if there is no such kind."""
        reply = await self._transport.request("GET", await self._discovery.object_path(ref))
        if reply.code == 404:
            await self._require_kind(ref)
            return None
        return reply.checked(f"get {ref}")

    async def list(self, query: Query) -> list[Body]:
        """The objects of a query; all pages."""
        return (await list_pages(self._transport, self._discovery, query))[0]

    async def versions(self, query: Query) -> dict[Ref, str]:
        """The resourceVersions of the objects of a query, from lists of metadata."""
        items, _ = await list_pages(self._transport, self._discovery, query, METADATA)
        found = (item["metadata"] for item in items)
        return {
            Ref(query.api_version, query.kind, meta.get("namespace", ""), meta["name"]): meta[
                "resourceVersion"
            ]
            for meta in found
        }

    async def watch(self, query: Query) -> AsyncGenerator[Event, None]:
        """The objects of a query as ADDED, then SYNCED, then every change, for ever.

        A kind that does not exist yet is waited for.
        """
        async with aclosing(Watch(self._transport, self._discovery, query).events()) as events:
            async for event in events:
                yield event

    async def create(self, body: Body, *, manager: str) -> Body | None:
        """Create the object; None if one of that name exists already. Unknown fields are refused."""
        ref = ref_of(body)
        path = await self._discovery.collection_of(ref)
        params = {"fieldManager": manager, "fieldValidation": "Strict"}
        reply = await self._transport.request("POST", path, params=params, body=body)
        if reply.code == 409 and reply.reason == "AlreadyExists":
            return None
        return reply.checked(f"create {ref}")

    async def apply(self, body: Body, *, manager: str, force: bool = True) -> Body:
        """Server-side apply; ``force`` takes over fields that others manage. Unknown fields are refused."""
        ref = ref_of(body)
        params = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        path = await self._discovery.object_path(ref)
        reply = await self._transport.request(
            "PATCH", path, params=params, body=body, content_type=APPLY_PATCH
        )
        return reply.checked(f"apply {ref}")

    async def rehearse(self, body: Body, *, manager: str) -> Body:
        """What ``apply`` with force would make of the object, as the server says it; nothing is written."""
        ref = ref_of(body)
        params = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict", "dryRun": "All"}
        path = await self._discovery.object_path(ref)
        reply = await self._transport.request(
            "PATCH", path, params=params, body=body, content_type=APPLY_PATCH
        )
        return reply.checked(f"apply {ref}")

    async def patch(self, ref: Ref, patch: Body, *, manager: str, subresource: str = "") -> Body | None:
        """Merge-patch the object or its subresource; None if there is none."""
        path = await self._discovery.object_path(ref, subresource)
        reply = await self._transport.request(
            "PATCH", path, params={"fieldManager": manager}, body=patch, content_type=MERGE_PATCH
        )
        if reply.code == 404:
            await self._require_kind(ref)
            return None
        return reply.checked(f"patch {ref}")

    async def delete(self, ref: Ref, *, uid: str | None = None, grace_seconds: int | None = None) -> None:
        """Delete in the background; no error if it, or the one with that uid, is gone."""
        options: Body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        path = await self._discovery.object_path(ref)
        reply = await self._transport.request("DELETE", path, body=options)
        if reply.code == 404:
            return
        if uid and reply.code == 409 and ((await self.get(ref)) or {}).get("metadata", {}).get("uid") != uid:
            return  # another object has taken the name
        reply.checked(f"delete {ref}")

    async def token(self, account: Ref, *, seconds: int) -> str:
        """A token of a ServiceAccount, good for so long, or for as long as the account lives."""
        spec = {"expirationSeconds": seconds}
        body: Body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = await self._discovery.object_path(account, "token")
        reply = await self._transport.request("POST", path, body=body)
        return str(reply.checked(f"request a token of {account}")["status"]["token"])

    async def logs(self, pod: Ref, container: str, *, follow: bool = False) -> AsyncGenerator[str, None]:
        """The lines that a container has printed; with ``follow`` also those to come, until it ends.

        Raises:
            Terminal: There is no such pod or container, or no log.
            Transient: The connection broke.
        """
        path = await self._discovery.object_path(pod, "log")
        params = {"container": container, **({"follow": "true"} if follow else {})}
        silence = None if follow else 30.0
        async with self._transport.lines(path, params, doing=f"logs of {pod}", silence_s=silence) as lines:
            async for line in lines:
                yield line.decode(errors="replace")

    async def _require_kind(self, ref: Ref) -> None:
        """Tell "no such object" from "no such kind", which raises UnknownKind."""
        self._discovery.forget(ref.api_version)
        await self._discovery.object_path(ref)
