"""What is done for a request on a collection, an object or a subresource."""

from collections.abc import AsyncIterator
from contextlib import suppress

import orjson
from aiohttp import web

from mlplane.local.apiserver import bodies, deletion, logs, reviews, shaping
from mlplane.local.apiserver.lists import selection
from mlplane.local.apiserver.objects import Written
from mlplane.local.apiserver.paths import Target
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.server import Server
from mlplane.local.apiserver.statuses import ApiError, Body, bad_request, method_not_allowed, not_found
from mlplane.local.apiserver.views import Page, View, view_for
from mlplane.local.apiserver.watch import Watch, watch_options
from mlplane.local.apiserver.writes import WriteOptions, delete_options, flag, write_options

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Call:
    """One request on a resource."""

    def __init__(self, server: Server, request: web.Request, resource: Resource, target: Target) -> None:
        self._server = server
        self._request = request
        self._query = request.query
        self._resource = resource
        self._target = target
        self._key = resource.key(target.namespace, target.name)

    async def answer(self) -> web.StreamResponse:
        """Do it.

        Raises:
            ApiError: What the client is to be told.
        """
        self._check_allowed()
        if self._target.subresource == "log":
            return await self._log()
        match self._verb():
            case "list":
                return self._list()
            case "watch":
                return await self._watch()
            case "get":
                return self._get()
            case "create":
                return await self._create()
            case "update":
                return await self._update()
            case "patch":
                return await self._patch()
            case "delete":
                return await self._delete()
        return await self._delete_all()

    def _verb(self) -> str:
        method, named = self._request.method, bool(self._target.name)
        if method in ("GET", "HEAD"):
            if named:
                return "get"
            return "watch" if flag(self._query, "watch") else "list"
        return "deletecollection" if method == "DELETE" and not named else _VERBS.get(method, method)

    def _check_allowed(self) -> None:
        resource, target, verb = self._resource, self._target, self._verb()
        if target.subresource and target.subresource not in resource.subresources:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        named = verb in ("get", "update", "patch", "delete")
        if verb not in resource.verbs or (verb == "create" and target.name) or (named and not target.name):
            raise method_not_allowed(resource.group, resource.plural)
        if target.subresource and verb not in ("get", "update", "patch"):
            raise method_not_allowed(resource.group, resource.plural)
        placed = bool(target.namespace) == resource.namespaced
        if not placed and (target.namespace or named or verb == "create"):
            raise ApiError(404, "NotFound", "the server could not find the requested resource")

    def _view(self) -> View:
        return view_for(self._request.headers.get("Accept", ""), self._query.get("includeObject", ""))

    def _list(self) -> web.Response:
        selected = selection(self._resource, self._target.namespace, self._query)
        page = self._server.lists.page(self._resource, selected, self._query)
        view = self._view()
        return respond(view.many(self._resource, page), view=view)

    async def _watch(self) -> web.StreamResponse:
        selected = selection(self._resource, self._target.namespace, self._query)
        options = watch_options(self._query)
        watch = Watch(self._server.store, self._server.history, self._resource, selected, self._view())
        return await self._stream(watch.chunks(options), "application/json")

    def _get(self) -> web.Response:
        view = self._view()
        return respond(view.row(self._resource, self._row()), view=view)

    def _row(self) -> Row:
        row = self._server.store.get(self._key)
        if row is None:
            raise not_found(self._resource.group, self._resource.plural, self._key.name)
        return row

    async def _create(self) -> web.Response:
        body = bodies.decode(self._request.content_type, await self._request.read())
        resource = self._resource
        if reviews.is_review(resource.kind) and not resource.custom:
            return respond(
                orjson.dumps(reviews.answer(resource.api_version, resource.kind, body)), status=201
            )
        written = await self._server.objects.create(resource, self._target.namespace, body, self._options())
        return self._written(written)

    async def _update(self) -> web.Response:
        body = bodies.decode(self._request.content_type, await self._request.read())
        change = shaping.replacement(self._resource, self._key, body)
        return self._written(
            await self._server.objects.update(self._resource, self._key, change, self._options())
        )

    async def _patch(self) -> web.Response:
        kind, patch = bodies.decode_patch(self._request.content_type, await self._request.read())
        if kind == "apply" and "fieldManager" not in self._query:
            raise bad_request("fieldManager: Required value: is required for apply patch")
        objects = self._server.objects
        return self._written(await objects.patch(self._resource, self._key, kind, patch, self._options()))

    def _options(self) -> WriteOptions:
        agent = self._request.headers.get("User-Agent", "")
        return write_options(self._query, agent, self._target.subresource)

    def _written(self, written: Written) -> web.Response:
        view = self._view()
        response = respond(
            view.one(self._resource, written.body), status=201 if written.created else 200, view=view
        )
        for warning in written.warnings:
            text = warning.replace("\\", "\\\\").replace('"', '\\"')
            response.headers.add("Warning", f'299 - "{text}"')
        return response

    async def _delete(self) -> web.Response:
        options = delete_options(self._query, await self._delete_body())
        return respond(
            orjson.dumps(await deletion.delete(self._server.objects, self._resource, self._key, options))
        )

    async def _delete_body(self) -> Body:
        return bodies.decode_options(self._request.content_type, await self._request.read())

    async def _delete_all(self) -> web.Response:
        selected = selection(self._resource, self._target.namespace, self._query)
        options = delete_options(self._query, await self._delete_body())
        rows = await deletion.delete_all(self._server.objects, self._resource, selected, options)
        return respond(View().many(self._resource, Page(rows, self._server.store.revision)))

    async def _log(self) -> web.StreamResponse:
        pod = self._row().decode()
        options = logs.log_options(self._query, pod)
        logs.check_started(pod, options)
        path = self._server.pods / pod["metadata"]["uid"] / f"{options.container}.log"

        def current() -> Body | None:
            row = self._server.store.get(self._key)
            return row.decode() if row is not None and row.uid == pod["metadata"]["uid"] else None

        return await self._stream(logs.stream(path, options, current), "text/plain")

    async def _stream(self, chunks: AsyncIterator[bytes], content_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type, "Cache-Control": "no-cache"})
        await response.prepare(self._request)
        # A client that has gone is how watches usually end.
        with suppress(ConnectionError):
            async for chunk in chunks:
                transport = self._request.transport
                if transport is None or transport.is_closing():
                    break
                if chunk:
                    await response.write(chunk)
            await response.write_eof()
        return response


def respond(data: bytes, *, status: int = 200, view: View | None = None) -> web.Response:
    """A response with a JSON (or, if the view says so, YAML) body."""
    if view is not None and view.yaml:
        import yaml

        text = yaml.dump(orjson.loads(data), Dumper=yaml.CSafeDumper, sort_keys=False)
        return web.Response(body=text.encode(), status=status, content_type="application/yaml")
    return web.Response(body=data, status=status, content_type="application/json")
