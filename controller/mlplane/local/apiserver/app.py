"""HTTP: who may, what a path is about, and failures as Status objects."""

import logging

import orjson
from aiohttp import web

from mlplane.local.apiserver import auth, discovery, openapi, paths
from mlplane.local.apiserver.server import Server
from mlplane.local.apiserver.statuses import ApiError, Body
from mlplane.local.apiserver.verbs import Call, respond

BODY_LIMIT = 8 * 2**20
"""Bytes. Argo's full CRDs have almost 3 MB."""
VERSION: Body = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0+mlplane",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "local/python",
}
"""The Kubernetes version whose API this is; clients check it for skew, and some need every field."""

# kubectl asks for the old document when a manifest is a v1 List, and does not check kinds that are not in it;
# the server validates the items all the same. This is `swagger: "2.0"` and no more.
_OPENAPI_V2 = b"\x0a\x032.0"
_OPENAPI_V2_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

log = logging.getLogger(__name__)


def application(server: Server, token: str) -> web.Application:
    """The web application.

    Args:
        server: The running server.
        token: What clients must present.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            auth.check(request.path, request.headers, token)
            return await _dispatch(server, request)
        except ApiError as error:
            return _failure(error)
        except web.HTTPRequestEntityTooLarge:
            message = f"the request is larger than {BODY_LIMIT} bytes"
            return _failure(ApiError(413, "RequestEntityTooLarge", message))
        except ConnectionError:
            raise
        except Exception:
            # The client gets a Status, whatever went wrong here; the details are for the log.
            log.exception("%s %s", request.method, request.path)
            return _failure(
                ApiError(500, "InternalError", "Internal error occurred: see the log of the API server")
            )

    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _failure(error: ApiError) -> web.Response:
    return respond(orjson.dumps(error.to_status()), status=error.code)


async def _dispatch(server: Server, request: web.Request) -> web.StreamResponse:
    path = request.path.rstrip("/")
    if path in ("/healthz", "/livez", "/readyz"):
        return web.Response(text="ok")
    if path == "/version":
        return respond(orjson.dumps(VERSION))
    if path == "/openapi/v2":
        return web.Response(body=_OPENAPI_V2, headers={"Content-Type": _OPENAPI_V2_TYPE})
    if path.startswith("/openapi/v3"):
        return _openapi(server, path)
    if (found := _discovered(server, request, path)) is not None:
        return found
    target = paths.parse(path)
    resource = server.registry.find(target.group, target.version, target.plural) if target else None
    if target is None or resource is None:
        raise _unknown_path()
    return await Call(server, request, resource, target).answer()


def _unknown_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def _discovered(server: Server, request: web.Request, path: str) -> web.Response | None:
    """An answer to a discovery request; None if the path is none."""
    registry = server.registry
    match path.strip("/").split("/"):
        case ["api"] | ["apis"] if discovery.wants_aggregated(request.headers.get("Accept", "")):
            body = discovery.aggregated(registry, core=path == "/api")
            return web.Response(body=orjson.dumps(body), headers={"Content-Type": discovery.AGGREGATED})
        case ["api"]:
            return respond(orjson.dumps(discovery.core_versions(request.host)))
        case ["apis"]:
            return respond(orjson.dumps(discovery.groups(registry)))
        case ["api", version]:
            return _or_404(discovery.resources(registry, "", version))
        case ["apis", group]:
            return _or_404(discovery.group(registry, group))
        case ["apis", group, version]:
            return _or_404(discovery.resources(registry, group, version))
    return None


def _or_404(body: Body | None) -> web.Response:
    if body is None:
        raise _unknown_path()
    return respond(orjson.dumps(body))


def _openapi(server: Server, path: str) -> web.Response:
    versions = [(group, version) for group, found in server.registry.groups().items() for version in found]
    if path == "/openapi/v3":
        return respond(orjson.dumps(openapi.index(versions)))
    for group, version in versions:
        if path == f"/openapi/v3/{openapi.path_of(group, version)}":
            return respond(orjson.dumps(openapi.document(group, version, list(server.registry))))
    raise _unknown_path()
