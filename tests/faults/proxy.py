"""A reverse proxy between one client process and an API server, at which a test makes things go wrong.

Plain HTTP on the loopback in front of a local or a real API server, whose own TLS is verified. Requests and
answers pass unchanged, streams line by line as they come, until a hook says otherwise. Used by the crash
points and the storms, one proxy for each client process, so that it is known who has sent what.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import yaml
from aiohttp import web
from yarl import URL

from mlplane.cluster.access import Access, load
from mlplane.local.files import write_atomic

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ASKING = ("authorization.k8s.io", "authentication.k8s.io")
"""API groups whose POST is a question."""
# What speaks of one connection only, and the encodings, so that a hook sees plain text.
_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}
NOT_FORWARDED = frozenset(_CONNECTION | {"host", "content-length", "accept-encoding"})


@dataclass(frozen=True)
class Request:
    """A request as a hook sees it."""

    number: int
    """From 1, of all requests of this proxy."""
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes = field(repr=False)
    write: int | None
    """From 1, of the writes of this proxy; None for what changes nothing (also a dry run or a review)."""

    @property
    def is_write(self) -> bool:
        return self.write is not None

    @property
    def is_watch(self) -> bool:
        return self.method == "GET" and _flag(self.query, "watch") in ("true", "1")

    @property
    def is_lease(self) -> bool:
        return self.path.startswith("/apis/coordination.k8s.io/")

    @property
    def is_news(self) -> bool:
        """Whether it writes an Event of ours: in the background, and nothing depends on it."""
        return self.method == "PATCH" and "/events/" in self.path

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Reply:
    """What the server answered. The body of a stream (a watch, a log that is followed) is None."""

    status: int
    headers: dict[str, str]
    body: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """Action: answer this instead. ``body``: JSON, or bytes as they are."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """Action: reset the client's connection without an answer."""


@dataclass(frozen=True)
class Trickle:
    """Action: send the answer this slowly, also that of a stream."""

    bytes_per_second: float = 1.0


Before = Callable[[Request], Awaitable[Answer | Reset | Trickle | None]]
After = Callable[[Request, Reply], Awaitable[Answer | Reset | Trickle | None]]
OnEvent = Callable[[Request, dict[str, Any]], Awaitable[Iterable[dict[str, Any]] | Reset]]


async def _forward(*_: Any) -> None:
    """The hook that lets all pass."""


@dataclass(frozen=True)
class Hooks:
    """Where a test steps in; each may wait, kill a process, and then say what happens."""

    before: Before = _forward
    """Before a request is forwarded. None: forward it; Trickle: forward it and answer slowly."""
    after: After = _forward
    """When the server has answered a request (for a stream: begun to). None: pass the answer on."""
    event: OnEvent | None = None
    """For each event of a JSON watch: the events to send instead, perhaps none; Reset breaks the stream."""


@dataclass
class Proxy:
    """A running proxy. ``hooks`` may be exchanged at any time; they hold for what comes then."""

    url: str
    kubeconfig: Path
    access: Access
    session: aiohttp.ClientSession
    hooks: Hooks
    requests: int = 0
    writes: int = 0
    exchanges: set[asyncio.Task[Any]] = field(default_factory=set)
    """Requests that are carried through although their client may have gone."""
    _clients: set[asyncio.Transport] = field(default_factory=set)

    def reset_all(self) -> None:
        """Break every connection that has a request under way, watches too."""
        for transport in list(self._clients):
            _reset(transport)

    async def handle(self, incoming: web.Request) -> web.StreamResponse:
        transport = incoming.transport
        if transport is None:
            raise web.HTTPBadRequest  # it has gone already
        request = await self._record(incoming)
        self._clients.add(transport)
        try:
            return await self._serve(incoming, request, transport)
        except (aiohttp.ClientError, OSError, TimeoutError):
            # The server has gone, or the client: what one end sees, the other shall see too.
            return _reset(transport)
        finally:
            self._clients.discard(transport)

    async def _record(self, incoming: web.Request) -> Request:
        query, path = incoming.rel_url.raw_query_string, incoming.rel_url.raw_path
        writes = incoming.method in WRITING and not _changes_nothing(path, query)
        body = await incoming.read()
        # Counted when it is complete, so that a request that was never wholly sent has no number.
        self.requests += 1
        self.writes += writes
        headers = {k: v for k, v in incoming.headers.items() if k.lower() not in NOT_FORWARDED}
        number = self.writes if writes else None
        return Request(self.requests, incoming.method, path, query, headers, body, number)

    async def _serve(
        self, incoming: web.Request, request: Request, transport: asyncio.Transport
    ) -> web.StreamResponse:
        first = await self.hooks.before(request)
        if isinstance(first, Answer):
            return _answer(first)
        if isinstance(first, Reset):
            return _reset(transport)
        if _is_stream(request):
            return await self._stream(incoming, request, transport, first)
        # A request that was forwarded is carried through, even if the client dies meanwhile.
        exchange = asyncio.create_task(self._exchange(request))
        self.exchanges.add(exchange)
        exchange.add_done_callback(self.exchanges.discard)
        reply, second = await asyncio.shield(exchange)
        if isinstance(second, Answer):
            return _answer(second)
        if isinstance(second, Reset):
            return _reset(transport)
        if (pace := second or first) is None:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        await response.prepare(incoming)
        await _send(response, reply.body or b"", pace)
        return response

    async def _exchange(self, request: Request) -> tuple[Reply, Answer | Reset | Trickle | None]:
        async with self._open(request) as response:
            reply = Reply(response.status, _passed_on(response), await response.read())
        return reply, await self.hooks.after(request, reply)

    async def _stream(
        self, incoming: web.Request, request: Request, transport: asyncio.Transport, pace: Trickle | None
    ) -> web.StreamResponse:
        async with self._open(request) as source:
            headers = _passed_on(source)
            action = await self.hooks.after(request, Reply(source.status, headers, None))
            if isinstance(action, Answer):
                return _answer(action)
            if isinstance(action, Reset):
                return _reset(transport)
            response = web.StreamResponse(status=source.status, headers=headers)
            await response.prepare(incoming)
            chunks = source.content.iter_any()
            if request.is_watch and source.status == 200 and source.content_type == "application/json":
                chunks = self._events(request, chunks)
            async for chunk in chunks:
                await _send(response, chunk, action or pace)
            await response.write_eof()
        return response

    async def _events(self, request: Request, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The lines of a watch, each as the hook in force then wants it."""
        rest = b""
        async for chunk in chunks:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if self.hooks.event is None:
                    yield line + b"\n"
                    continue
                wanted = await self.hooks.event(request, json.loads(line))
                if isinstance(wanted, Reset):
                    raise ConnectionResetError("by the hook")
                for event in wanted:
                    yield json.dumps(event).encode() + b"\n"
        if rest:
            yield rest

    @asynccontextmanager
    async def _open(self, request: Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The server's answer; the request is sent with the kubeconfig's credentials if it has none."""
        server = self.access.server
        path = str(server.raw_path).rstrip("/") + request.path
        url = server.with_path(path, encoded=True).with_query(None)
        if request.query:
            url = URL(f"{url}?{request.query}", encoded=True)
        headers = request.headers
        if not any(name.lower() == "authorization" for name in headers):
            headers = headers | await self.access.headers()
        async with self.session.request(
            request.method,
            url,
            headers=headers,
            data=request.body or None,
            ssl=self.access.tls or True,
            server_hostname=self.access.tls_server_name,
            allow_redirects=False,
        ) as response:
            try:
                yield response
            finally:
                # What is not read to its end is broken off: TLS's farewell could outlive the loop of a test.
                connection = response.connection
                if connection is not None and connection.transport is not None:
                    connection.transport.abort()


@asynccontextmanager
async def proxied(kubeconfig: Path, write_to: Path, hooks: Hooks | None = None) -> AsyncIterator[Proxy]:
    """A proxy in front of a kubeconfig's server; ``write_to`` becomes the kubeconfig that leads to it."""
    limits = aiohttp.ClientTimeout(total=None, sock_connect=5)
    connector = aiohttp.TCPConnector(limit=0)
    added = ("User-Agent", "Content-Type", "Accept", "Accept-Encoding")
    async with aiohttp.ClientSession(connector=connector, timeout=limits, skip_auto_headers=added) as session:
        # A PUT or DELETE must not be sent a second time when the server dies: a test counts them.
        session._retry_connection = False
        proxy = Proxy(
            "", write_to, await asyncio.to_thread(load, kubeconfig, None), session, hooks or Hooks()
        )
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", proxy.handle)
        # A watch ends at the server, too, when its client goes.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            listening = socket.create_server(("127.0.0.1", 0), backlog=256)
            await web.SockSite(runner, listening).start()
            proxy.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            _write_kubeconfig(kubeconfig, proxy.url, write_to)
            yield proxy
        finally:
            await runner.cleanup()
            for exchange in proxy.exchanges:
                exchange.cancel()
            await asyncio.gather(*proxy.exchanges, return_exceptions=True)


def _write_kubeconfig(kubeconfig: Path, url: str, write_to: Path) -> None:
    """The same contexts and users, at another address."""
    content = yaml.safe_load(kubeconfig.read_text())
    for cluster in content["clusters"]:
        cluster["cluster"] = {"server": url}
    write_atomic(write_to, yaml.safe_dump(content, sort_keys=False), 0o600)


def _flag(query: str, name: str) -> str:
    return parse_qs(query).get(name, [""])[-1]


def _changes_nothing(path: str, query: str) -> bool:
    is_question = any(f"/apis/{group}/" in path for group in ASKING) or path.endswith("/token")
    return is_question or _flag(query, "dryRun") == "All"


def _is_stream(request: Request) -> bool:
    follows = request.path.endswith("/log") and _flag(request.query, "follow") in ("true", "1")
    return request.is_watch or (request.method == "GET" and follows)


def _passed_on(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {k: v for k, v in response.headers.items() if k.lower() not in NOT_FORWARDED}


def _answer(action: Answer) -> web.Response:
    if isinstance(action.body, bytes):
        return web.Response(status=action.status, body=action.body, headers=action.headers)
    return web.json_response(action.body, status=action.status, headers=action.headers)


def _reset(transport: asyncio.Transport) -> web.StreamResponse:
    """Close with a RST, as the kernel does for a process that was killed; returns what aiohttp wants."""
    if (sock := transport.get_extra_info("socket")) is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    return web.Response()


async def _send(response: web.StreamResponse, chunk: bytes, pace: Any) -> None:
    if not isinstance(pace, Trickle):
        await response.write(chunk)
        return
    for byte in range(len(chunk)):
        await response.write(chunk[byte : byte + 1])
        await asyncio.sleep(1 / pace.bytes_per_second)
