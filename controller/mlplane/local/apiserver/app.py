"""HTTP: who may, what a path is about, and failures as Status objects."""

import logging

import orjson
from aiohttp import web

from mlplane.local.apiserver import auth, paths
from mlplane.local.apiserver.documents import Documents
from mlplane.local.apiserver.responses import failure, respond
from mlplane.local.apiserver.server import Server
from mlplane.local.apiserver.statuses import ApiError, Body, PageNotFound, unknown_path
from mlplane.local.apiserver.users import User, attributes
from mlplane.local.apiserver.verbs import Call

BODY_LIMIT = 3 * 2**20
"""Bytes, as the real server has it."""
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
        token: The admin's; others are those of service accounts.
    """
    documents = Documents(server.registry)

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            user = _admitted(server, request, token)
            return await _dispatch(server, documents, request, user)
        except ApiError as error:
            return failure(error)
        except PageNotFound:
            return web.Response(text="404 page not found\n", status=404)
        except web.HTTPRequestEntityTooLarge:
            message = f"Request entity too large: limit is {BODY_LIMIT}"
            return failure(ApiError(413, "RequestEntityTooLarge", message))
        except ConnectionError:
            raise
        except Exception:
            # The client gets a Status, whatever went wrong here; the details are for the log.
            log.exception("%s %s", request.method, request.path)
            return failure(
                ApiError(500, "InternalError", "Internal error occurred: see the log of the API server")
            )

    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


def _admitted(server: Server, request: web.Request, token: str) -> User:
    """Who makes a request that may be made."""
    auth.check_origin(request.headers)
    if auth.is_public(request.path, request.headers):
        return auth.ANONYMOUS
    sender = auth.user_of(request.headers, token, server.tokens)
    user = auth.acting_user(sender, request.headers, server.authority)
    server.authority.check(user, attributes(request.method, request.path, request.query))
    return user


async def _dispatch(
    server: Server, documents: Documents, request: web.Request, user: User
) -> web.StreamResponse:
    path = request.path.rstrip("/")
    if path in ("/healthz", "/livez", "/readyz"):
        return web.Response(text="ok")
    if path == "/version":
        return respond(orjson.dumps(VERSION))
    if path == "/openapi/v2":
        return web.Response(body=_OPENAPI_V2, headers={"Content-Type": _OPENAPI_V2_TYPE})
    if (found := documents.answer(request, path)) is not None:
        return found
    target = paths.parse(path)
    resource = server.registry.find(target.group, target.version, target.plural) if target else None
    if target is None or resource is None:
        raise _nothing(server, path)
    return await Call(server, request, resource, target, user).answer()


def _nothing(server: Server, path: str) -> ApiError | PageNotFound:
    """What is told of a path that names nothing: plain text where no group of the server's own is meant."""
    match path.strip("/").split("/"):
        case ["apis", group, version, *_]:
            own = any((r.group, r.version, r.custom) == (group, version, False) for r in server.registry)
            return unknown_path() if own else PageNotFound()
        case ["apis", _]:
            return PageNotFound()
    return unknown_path()
