"""The HTTP proxy in front of the predictors: a Host header picks the route, the route the backend.

Does what a Gateway API implementation does and nothing about models. Bodies are streamed in both directions,
so that a large request costs no memory here. Run by ``engine``, which keeps the table.
"""

import logging
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from mlplane.local.inference.routes import Backend, Route, Table

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 5.0
_HOP_BY_HOP = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "expect",
    }
)  # fmt: skip
"""Headers that speak of one connection only (RFC 9110, 7.6.1), and Expect, which is answered here."""
Headers = CIMultiDict[str]


@asynccontextmanager
async def gateway(table: Table, port: int) -> AsyncIterator[int]:
    """Serve the table on 127.0.0.1 while the context lasts.

    Args:
        table: The routes; may change at any time.
        port: TCP port; 0 takes a free one.

    Yields:
        The port that is served.
    """
    # A predictor may compress its answer: that is for the client. One connection a request may be open to it.
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15)
    async with aiohttp.ClientSession(
        connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        server = web.Server(_Proxy(table, session).handle, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
            await site.start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


class _Proxy:
    def __init__(self, table: Table, session: aiohttp.ClientSession) -> None:
        self._table = table
        self._session = session
        self._random = random.Random()  # noqa: S311  spreads load, guards nothing

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: from a backend, or with what is wrong, as JSON."""
        route = self._table.find(request.host)
        if route is None:
            return _error(404, f"no InferenceService has the host {request.host[:253]!r}; see its status.url")
        backends = route.order(self._random.random())
        if not backends:
            return _error(
                503, f"InferenceService {route.service} has no ready pod; its status says why", retry_after=1
            )
        return await self._ask(request, route, backends)

    async def _ask(
        self, request: web.BaseRequest, route: Route, backends: Iterable[Backend]
    ) -> web.StreamResponse:
        """Ask one backend after the other until one can be reached; what was sent is not sent again."""
        for backend in backends:
            try:
                return await self._forward(request, route, backend)
            except aiohttp.ClientConnectorError:
                _log.info("%s: %s:%d cannot be reached", route.service, backend.host, backend.port)
            except TimeoutError:
                return _error(
                    504, f"InferenceService {route.service} was silent for {route.timeout_seconds:g} s"
                )
            except aiohttp.ClientError as error:
                _log.info("%s: %s", route.service, type(error).__name__)
                return _error(502, f"InferenceService {route.service} broke off the connection; try again")
        return _error(503, f"no pod of InferenceService {route.service} can be reached", retry_after=1)

    async def _forward(self, request: web.BaseRequest, route: Route, backend: Backend) -> web.StreamResponse:
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=_CONNECT_SECONDS, sock_read=route.timeout_seconds
        )
        async with self._session.request(
            request.method,
            f"http://{backend.host}:{backend.port}{request.raw_path}",
            headers=_forwarded(request),
            data=request.content if request.can_read_body else None,
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=_end_to_end(answer.headers))
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            except (aiohttp.ClientError, TimeoutError):
                # The head is sent: all that is left is to end the connection, so that the client sees it.
                if request.transport is not None:
                    request.transport.close()
                return response
            await response.write_eof()
            return response


def _forwarded(request: web.BaseRequest) -> Headers:
    """The request's headers, and who asked for what."""
    headers = _end_to_end(request.headers)
    before = headers.get("X-Forwarded-For")
    peer = request.remote or "unknown"
    headers["X-Forwarded-For"] = f"{before}, {peer}" if before else peer
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    return headers


def _end_to_end(headers: CIMultiDictProxy[str]) -> Headers:
    """Headers without those of one connection, by name or because ``Connection`` names them."""
    named = {n.strip().lower() for value in headers.getall("Connection", ()) for n in value.split(",")}
    return CIMultiDict(
        (name, value)
        for name, value in headers.items()
        if name.lower() not in _HOP_BY_HOP and name.lower() not in named
    )


def _error(status: int, message: str, *, retry_after: int = 0) -> web.Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.json_response({"error": message}, status=status, headers=headers)
