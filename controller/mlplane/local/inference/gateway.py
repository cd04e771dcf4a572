"""The HTTP proxy in front of the predictors: a Host header picks the route, the route the backend.

Does what a Gateway API implementation does and nothing about models. Bodies are streamed in both directions,
so that a large request costs no memory here. Run by ``engine``, which keeps the table.
"""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from mlplane.local.inference.headers import end_to_end, forwarded
from mlplane.local.inference.routes import Backend, Route, Table
from mlplane.local.inference.targets import origin_form

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 5.0
_KEEP_ALIVE_SECONDS = 3.0
"""Shorter than that of any server behind it (uvicorn: 5), so that a request never meets a connection that the
server is just closing."""
MAX_BODY_BYTES = 64 * 2**20
"""Largest body of a request."""
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be sent again to another backend although the first may have seen them."""


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
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_SECONDS)
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


class _Body:
    """The body of a request on its way to a backend."""

    def __init__(self, request: web.BaseRequest) -> None:
        self._request = request
        self.is_too_large = (request.content_length or 0) > MAX_BODY_BYTES

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._request.content.iter_any():
            size += len(chunk)
            self.is_too_large = size > MAX_BODY_BYTES
            if self.is_too_large:
                raise aiohttp.ClientPayloadError
            yield chunk


class _Proxy:
    def __init__(self, table: Table, session: aiohttp.ClientSession) -> None:
        self._table = table
        self._session = session
        self._turns: Counter[str] = Counter()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: from a backend, or with what is wrong, as JSON."""
        route = self._table.find(request.host)
        if route is None:
            return _error(404, f"no InferenceService has the host {request.host[:253]!r}; see its status.url")
        path = origin_form(request.raw_path)
        if path is None:
            return _error(
                400, f"nothing is at {request.raw_path[:253]!r} here; send a path, such as /v1/models"
            )
        body = _Body(request)
        if body.is_too_large:
            return _too_large()
        backends = route.order(self._turns[request.host])
        self._turns[request.host] += 1
        if not backends:
            return _error(
                503, f"InferenceService {route.service} has no ready pod; its status says why", retry_after=1
            )
        if (
            request.headers.get("Expect", "").lower() == "100-continue"
        ):  # curl, before it sends more than 1 MiB
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0  # what follows is an answer of its own
        return await self._ask(request, path, body, route, backends)

    async def _ask(
        self, request: web.BaseRequest, path: str, body: _Body, route: Route, backends: Iterable[Backend]
    ) -> web.StreamResponse:
        """Ask one backend after the other until one can be reached; what was sent is not sent again."""
        for backend in backends:
            try:
                return await self._forward(request, path, body, route, backend)
            except aiohttp.ClientConnectorError:
                _log.info("%s: %s:%d cannot be reached", route.service, backend.host, backend.port)
            except TimeoutError:
                return _error(
                    504, f"InferenceService {route.service} took more than {route.timeout_seconds:g} s"
                )
            except aiohttp.ClientError as error:
                if body.is_too_large:
                    return _too_large()
                _log.info("%s: %s", route.service, type(error).__name__)
                if request.method not in _REPEATABLE or request.can_read_body:
                    return _error(
                        502, f"InferenceService {route.service} broke off the connection; try again"
                    )
        return _error(503, f"no pod of InferenceService {route.service} can be reached", retry_after=1)

    async def _forward(
        self, request: web.BaseRequest, path: str, body: _Body, route: Route, backend: Backend
    ) -> web.StreamResponse:
        timeout = aiohttp.ClientTimeout(total=route.timeout_seconds, sock_connect=_CONNECT_SECONDS)
        async with self._session.request(
            request.method,
            URL(f"http://{backend.host}:{backend.port}{path}", encoded=True),  # nothing is tidied up
            headers=forwarded(request, route.service),
            data=body if request.can_read_body else None,
            timeout=timeout,
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, headers=end_to_end(answer.headers))
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


def _too_large() -> web.Response:
    response = _error(
        413, f"the body is larger than {MAX_BODY_BYTES // 2**20} MiB; send fewer instances at once"
    )
    response.force_close()  # the rest of the body is not read
    return response


def _error(status: int, message: str, *, retry_after: int = 0) -> web.Response:
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    return web.json_response({"error": message}, status=status, headers=headers)
