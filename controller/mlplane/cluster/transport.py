"""Requests to one API server: JSON in, JSON or a stream of lines out, failures as Transient or Terminal.

What is Transient: no connection, 401 (tokens rotate, and no object is to blame), 408, 409, 410, 429 and 5xx.
Everything else is Terminal with the server's words; so is 403, since "exceeded quota" or "forbidden" is for
a person to read. ``Retry-After`` is obeyed here, a few times and for a few seconds each, so that every caller
is polite without knowing of it. Used by the other modules of this package only.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from mlplane.api.meta import Body
from mlplane.cluster.access import Access
from mlplane.errors import MlplaneError, Terminal, Transient

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

TRANSIENT_CODES = frozenset({401, 408, 409, 410, 429})
TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)
"""Lists come page by page, so no answer takes long; one that trickles is given up and asked for again."""
UNKNOWN_FIELD = "failed to create typed patch object"
"""How a kube-apiserver words, with 500, that an applied object of a built-in kind has an unknown field."""
MAX_WAITS = 3
MAX_WAIT_S = 10.0


class NotFound(Terminal):
    """404: there is no such object, or no such kind."""


class Expired(Transient):
    """410: the version that a watch would go on from is too old."""


@dataclass(frozen=True)
class Reply:
    """What the server answered."""

    code: int
    body: Body
    retry_after: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return self.code < 400

    @property
    def reason(self) -> str:
        """The reason of a failure, such as AlreadyExists or Conflict."""
        return str(self.body.get("reason", ""))

    def checked(self, doing: str) -> Body:
        """The body. Raises Transient or Terminal, with what was being done, if the request failed."""
        if not self.ok:
            raise self.error(doing)
        return self.body

    def error(self, doing: str) -> MlplaneError:
        """The failure as an error."""
        return failure(self.code, str(self.body.get("message") or "no explanation"), doing)


def failure(code: int, message: str, doing: str) -> MlplaneError:
    """A failure as an error of the right family."""
    transient = code in TRANSIENT_CODES or (code >= 500 and not message.startswith(UNKNOWN_FIELD))
    family: type[MlplaneError] = Transient if transient else Terminal
    family = {404: NotFound, 410: Expired}.get(code, family)
    return family(f"{doing}: the API server answered {code}: {message}")


class Transport:
    """A session with one API server."""

    def __init__(self, access: Access, session: aiohttp.ClientSession) -> None:
        self.access = access
        self._session = session

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = JSON,
        accept: str = JSON,
    ) -> Reply:
        """One request and its answer, whatever its code. Raises Transient without a connection."""
        headers = {"Accept": accept, "Content-Type": content_type}
        for _ in range(MAX_WAITS):
            reply = await self._once(method, path, params, body, headers)
            if reply.code not in (429, 503) or reply.retry_after is None:
                return reply
            await asyncio.sleep(min(reply.retry_after, MAX_WAIT_S))
        return await self._once(method, path, params, body, headers)

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        body: Body | None,
        headers: Mapping[str, str],
    ) -> Reply:
        data = None if body is None else json.dumps(body).encode()
        async with self._open(method, path, params, data, headers, TIMEOUT) as response:
            return await _reply(response)

    @asynccontextmanager
    async def lines(
        self, path: str, params: Mapping[str, str], *, doing: str, silence_s: float | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """The lines of a streamed answer, without their ends; Transient after ``silence_s`` without a byte.

        Raises:
            Transient: No connection, or it broke; also some refusals (see the module), such as Expired.
            Terminal: The server refused.
        """
        limits = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=silence_s)
        async with self._open("GET", path, params, None, {"Accept": JSON}, limits) as response:
            if response.status >= 400:
                raise (await _reply(response)).error(doing)
            yield _lines(response.content)

    @asynccontextmanager
    async def _open(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        headers: Mapping[str, str],
        limits: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        server = self.access.server
        url = URL(str(server).rstrip("/") + path, encoded=True).with_query(params)
        authorized = {**headers, **await self.access.headers()}
        try:
            async with self._session.request(
                method,
                url,
                data=data,
                headers=authorized,
                timeout=limits,
                ssl=self.access.tls or True,
                server_hostname=self.access.tls_server_name,
                allow_redirects=False,
            ) as response:
                yield response
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            where = f"{server.scheme}://{server.host}:{server.port}"
            raise Transient(f"{where}: no answer: {error or type(error).__name__}") from error


async def _reply(response: aiohttp.ClientResponse) -> Reply:
    text = await response.text(errors="replace")
    try:
        parsed: Any = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        if response.status < 300:
            raise Transient(f"the API server answered something that is not a JSON object: {text[:200]!r}")
        parsed = {"message": text[:500]}
    code = response.status if not 300 <= response.status < 400 else 502
    return Reply(code, parsed, _seconds(response.headers.get("Retry-After")))


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None  # an HTTP date; Kubernetes sends seconds


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split by hand: the reader's own ``readline`` gives up at 64 KiB, and objects are larger."""
    parts: list[bytes] = []
    async for chunk in content.iter_any():
        first, *rest = chunk.split(b"\n")
        parts.append(first)
        for piece in rest:
            yield b"".join(parts)
            parts = [piece]
    if last := b"".join(parts):
        yield last
