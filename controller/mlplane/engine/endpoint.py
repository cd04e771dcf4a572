"""Answers liveness probes: 200 while all is well, 503 with the reasons as text. Used by ``controller``.

Not Kopf's own endpoint: that one ends with Kopf, keeps an answer for ten seconds, and says 200 with the
failure inside.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from yarl import URL

from mlplane.errors import InvalidInput

END_S = 1.0


@asynccontextmanager
async def answering(url: str | None, troubles: Callable[[], list[str]]) -> AsyncIterator[None]:
    """Answer at ``url``, such as ``http://0.0.0.0:8080/healthz``, while in the context; None is nowhere.

    Args:
        url: Its scheme is http.
        troubles: What is wrong, a sentence each; empty if nothing is. Asked at each probe.

    Raises:
        InvalidInput: The URL is wrong, or its port is not free.
    """
    if url is None:
        yield
        return

    async def answer(_: web.Request) -> web.Response:
        found = troubles()
        return web.Response(status=503 if found else 200, text="\n".join(found or ["ok"]) + "\n")

    host, port, path = _parts(url)
    app = web.Application()
    app.router.add_get(path, answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise InvalidInput(f"--liveness {url}: cannot listen there: {error}") from error
        yield
    finally:
        await runner.cleanup()


def _parts(url: str) -> tuple[str, int, str]:
    try:
        parsed = URL(url)
        host, port = parsed.host, parsed.port
    except ValueError:
        host = port = None
    if host is None or port is None or parsed.scheme != "http":
        raise InvalidInput(f"--liveness {url}: expected a URL such as http://0.0.0.0:8080/healthz")
    return host, port, parsed.path
