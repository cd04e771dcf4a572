"""Answers over HTTP: bodies, warnings, streams; for ``app`` and ``verbs``."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import orjson
from aiohttp import web

from mlplane.local.apiserver.statuses import ApiError
from mlplane.local.apiserver.views import View


def respond(data: bytes, *, status: int = 200, view: View | None = None) -> web.Response:
    """A response with a JSON (or, if the view says so, YAML) body."""
    if view is not None and view.yaml:
        import yaml

        text = yaml.dump(orjson.loads(data), Dumper=yaml.CSafeDumper, sort_keys=False)
        return web.Response(body=text.encode(), status=status, content_type="application/yaml")
    return web.Response(body=data, status=status, content_type="application/json")


def failure(error: ApiError) -> web.Response:
    """A response that tells what went wrong."""
    response = respond(orjson.dumps(error.to_status()), status=error.code)
    if seconds := error.details.get("retryAfterSeconds"):
        response.headers["Retry-After"] = str(seconds)
    warn(response, error.warnings)
    return response


def warn(response: web.StreamResponse, warnings: Sequence[str]) -> None:
    """Tell the client what it should know beside the answer; each thing once."""
    for warning in dict.fromkeys(warnings):
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{text}"')


async def stream(
    request: web.Request, chunks: AsyncIterator[bytes], content_type: str, warnings: Sequence[str] = ()
) -> web.StreamResponse:
    """A response that goes on as long as there are chunks, or until the client is gone."""
    response = web.StreamResponse(headers={"Content-Type": content_type, "Cache-Control": "no-cache"})
    warn(response, warnings)
    await response.prepare(request)
    # A client that has gone is how watches usually end.
    with suppress(ConnectionError):
        async for chunk in chunks:
            transport = request.transport
            if transport is None or transport.is_closing():
                break
            if chunk:
                await response.write(chunk)
        await response.write_eof()
    return response
