"""Discovery and OpenAPI over HTTP: documents made once for each state of the registry, with their ETags.

kubectl keeps them on disk and asks with If-None-Match whether they are still good.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from aiohttp import web

from mlplane.local.apiserver import discovery, openapi
from mlplane.local.apiserver.registry import Registry
from mlplane.local.apiserver.statuses import Body

_JSON = "application/json"
_DEEPEST = 3
"""Slashes in the deepest path of a document: ``/apis/GROUP/VERSION``."""


@dataclass(frozen=True, slots=True)
class _Document:
    data: bytes
    digest: str


class Documents:
    """Answers requests for documents about the kinds."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._state = 0
        self._made: dict[str, _Document] = {}

    def answer(self, request: web.Request, path: str) -> web.Response | None:
        """The answer; None if the path is that of no document.

        Args:
            request: The request.
            path: Its path, without a slash at the end.
        """
        if path.startswith("/openapi/v3"):
            return self._openapi(request, path)
        if path.count("/") > _DEEPEST:
            return None
        aggregated = discovery.wants_aggregated(request.headers.get("Accept", ""))
        if aggregated and path in ("/api", "/apis"):
            made = self._document(path, lambda: discovery.aggregated(self._registry, core=path == "/api"))
            return _respond(request, made, discovery.AGGREGATED)
        if path == "/api":  # it tells the client the address that it came to
            return web.Response(body=orjson.dumps(discovery.core_versions(request.host)), content_type=_JSON)
        body = self._legacy(path)
        return None if body is None else web.Response(body=orjson.dumps(body), content_type=_JSON)

    def _legacy(self, path: str) -> Body | None:
        match path.strip("/").split("/"):
            case ["apis"]:
                return discovery.groups(self._registry)
            case ["api", version]:
                return discovery.resources(self._registry, "", version)
            case ["apis", group]:
                return discovery.group(self._registry, group)
            case ["apis", group, version]:
                return discovery.resources(self._registry, group, version)
        return None

    def _openapi(self, request: web.Request, path: str) -> web.Response | None:
        if path == "/openapi/v3":
            return _respond(request, self._document(path, self._index), _JSON)
        for group, version in self._versions():
            if path == f"/openapi/v3/{openapi.path_of(group, version)}":
                return _respond(request, self._of(group, version), _JSON)
        return None

    def _versions(self) -> list[tuple[str, str]]:
        return [(group, version) for group, found in self._registry.groups().items() for version in found]

    def _index(self) -> Body:
        return openapi.index({openapi.path_of(*each): self._of(*each).digest for each in self._versions()})

    def _of(self, group: str, version: str) -> _Document:
        name = openapi.path_of(group, version)
        return self._document(name, lambda: openapi.document(group, version, list(self._registry)))

    def _document(self, name: str, make: Callable[[], Body]) -> _Document:
        if self._state != self._registry.state:
            self._state, self._made = self._registry.state, {}
        if name not in self._made:
            data = orjson.dumps(make())
            self._made[name] = _Document(data, hashlib.sha256(data).hexdigest().upper())
        return self._made[name]


def _respond(request: web.Request, made: _Document, content_type: str) -> web.Response:
    headers = {"ETag": f'"{made.digest}"', "Vary": "Accept", "Cache-Control": "no-cache, private"}
    if request.query.get("hash") == made.digest:
        headers["Cache-Control"] = "public, immutable"  # another document has another hash
    if made.digest in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=made.data, headers=headers | {"Content-Type": content_type})
