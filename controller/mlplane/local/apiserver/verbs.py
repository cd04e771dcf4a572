"""What is done for a request on a collection, an object or a subresource."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cached_property

import orjson
from aiohttp import web

from mlplane.local.apiserver import (
    bodies,
    decoding,
    deletion,
    logoptions,
    logs,
    methods,
    rbac,
    rbacchecks,
    reviews,
    scale,
    shaping,
    tokenrequests,
)
from mlplane.local.apiserver.deleteoptions import DeleteOptions, delete_options
from mlplane.local.apiserver.kinds import SCALE
from mlplane.local.apiserver.listoptions import check_fresh, list_options
from mlplane.local.apiserver.lists import selection
from mlplane.local.apiserver.objects import Written
from mlplane.local.apiserver.paths import Target
from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.responses import respond, stream, warn
from mlplane.local.apiserver.rows import Row
from mlplane.local.apiserver.server import Server
from mlplane.local.apiserver.statuses import ApiError, Body, forbidden, not_found
from mlplane.local.apiserver.users import Attributes, User
from mlplane.local.apiserver.views import View, view_for
from mlplane.local.apiserver.watch import Watch
from mlplane.local.apiserver.writes import OptionsKind, WriteOptions, write_options

_OPTIONS: dict[str, OptionsKind] = {"POST": "CreateOptions", "PUT": "UpdateOptions"}


class Call:
    """One request on a resource."""

    def __init__(
        self, server: Server, request: web.Request, resource: Resource, target: Target, user: User
    ) -> None:
        self._server = server
        self._request = request
        self._query = request.query
        self._resource = resource
        self._target = target
        self._user = user
        self._key = resource.key(target.namespace, target.name)
        self._verb = ""
        self._warnings: list[str] = []

    async def answer(self) -> web.StreamResponse:
        """Do it.

        Raises:
            ApiError: What the client is to be told.
        """
        if self._resource.deprecation:
            self._warnings.append(self._resource.deprecation)
        try:
            return await self._answer()
        except ApiError as error:
            raise replace(error, warnings=tuple(self._warnings)) from None

    async def _answer(self) -> web.StreamResponse:
        part, method = self._target.subresource, self._request.method
        verb = self._verb = methods.verb_of(method, self._target, self._query)
        methods.check(self._resource, self._target, method, verb)
        if part != "log":
            self._view.check(self._resource, listing=verb in ("list", "deletecollection"))
        handlers: dict[str, Callable[[], Awaitable[web.StreamResponse]]] = {
            "create": self._create,
            "delete": self._delete,
            "deletecollection": self._delete_all,
            "get": self._get,
            "list": self._list,
            "log": self._log,
            "patch": self._patch,
            "scale": self._scale,
            "token": self._token,
            "update": self._update,
            "watch": self._watch,
        }
        # Parts of objects that are no objects come first.
        return await handlers[part if part in handlers else verb]()

    @cached_property
    def _view(self) -> View:
        return view_for(self._request.headers.get("Accept", ""), self._query.get("includeObject", ""))

    async def _list(self) -> web.Response:
        selected = selection(self._resource, self._target.namespace, self._query)
        page = self._server.lists.page(self._resource, selected, list_options(self._query))
        view = self._view
        return self._respond(view.many(self._resource, page), view=view)

    async def _watch(self) -> web.StreamResponse:
        selected = selection(self._resource, self._target.namespace, self._query)
        options = list_options(self._query)
        watch = Watch(self._server.store, self._server.history, self._resource, selected, self._view)
        return await stream(self._request, watch.chunks(options), "application/json", self._warnings)

    async def _get(self) -> web.Response:
        view = self._view
        if "resourceVersion" in self._query:
            check_fresh(self._query, self._server.store.revision)
        return self._respond(view.row(self._resource, self._row()), view=view)

    def _row(self) -> Row:
        row = self._server.store.get(self._key)
        if row is None:
            raise not_found(self._resource.group, self._resource.plural, self._key.name)
        return row

    async def _create(self) -> web.Response:
        document = await self._document()
        resource = self._resource
        if reviews.is_review(resource.group, resource.kind):
            policy = self._server.authority.policy
            answer = reviews.answer(policy, self._user, resource, self._target.namespace, document.value)
            return self._respond(orjson.dumps(answer), status=201)
        return self._written(await self._made(document))

    async def _made(self, document: bodies.Document) -> Written:
        resource, options = self._resource, self._options()
        body = shaping.identified(resource, document.value)
        body = decoding.read(resource, body, document.complaints, options)
        return await self._server.objects.create(resource, self._target.namespace, body, options)

    async def _update(self) -> web.Response:
        options, document, objects = self._options(), await self._document(), self._server.objects
        change = shaping.replacement(self._resource, self._key, document, options)
        if self._resource.created_by_update and objects.store.head(self._key) is None:
            return self._written(await self._made(document))
        return self._written(await objects.update(self._resource, self._key, change, options))

    async def _document(self) -> bodies.Document:
        request = self._request
        header = request.headers.get("Content-Type")
        return decoding.sent(self._resource, request.content_type, await request.read(), header)

    async def _patch(self) -> web.Response:
        data, custom = await self._request.read(), self._resource.custom
        kind, patch = bodies.decode_patch(self._request.content_type, data, custom=custom)
        options = self._options(apply=kind == "apply")
        objects = self._server.objects
        return self._written(await objects.patch(self._resource, self._key, kind, patch, options))

    def _options(self, *, apply: bool = False) -> WriteOptions:
        agent = self._request.headers.get("User-Agent", "")
        kind = _OPTIONS.get(self._request.method, "PatchOptions")
        options = write_options(self._query, agent, self._target.subresource, kind, apply=apply)
        return replace(options, warnings=self._warnings, may=self._may)

    def _may(self, resource: Resource, body: Body, old: Body | None) -> None:
        """What is known only when the object is: an update that creates, rights that are given away."""
        policy = self._server.authority.policy
        if old is None and self._request.method in ("PATCH", "PUT"):
            key = self._key
            asked = Attributes("create", resource.group, resource.plural, "", key.name, key.namespace)
            if not (decision := policy.decide(self._user, asked)).allowed:
                raise forbidden(resource.group, resource.plural, key.name, decision.reason)
        if resource.group == rbac.GROUP:
            rbacchecks.no_escalation(policy, self._user, resource, body, old)

    async def _scale(self) -> web.Response:
        resource, key, objects = self._resource, self._key, self._server.objects
        if self._verb == "get":
            return self._scaled(self._row().decode())
        data, kind = await self._request.read(), self._request.content_type
        if self._verb == "update":
            change = scale.replacement(resource, key, bodies.decode(kind, data).value)
            return self._scaled((await objects.update(resource, key, change, self._options())).body)
        patch_type, patch = bodies.decode_patch(kind, data, custom=True)
        options = self._options(apply=patch_type == "apply")
        if patch_type == "apply":
            patch = replace(patch, value=scale.configuration(resource, key, patch.value))
            return self._scaled((await objects.patch(resource, key, "apply", patch, options)).body)
        change = scale.patcher(resource, patch_type, patch.value)
        return self._scaled((await objects.update(resource, key, change, options)).body)

    def _scaled(self, body: Body) -> web.Response:
        view = self._view
        return self._respond(view.one(SCALE, scale.shown(self._resource, body)), view=view)

    async def _token(self) -> web.Response:
        body = (await self._document()).value
        answer = tokenrequests.answer(self._server.store, self._server.tokens, self._key, body)
        return self._respond(orjson.dumps(answer), status=201)

    def _written(self, written: Written) -> web.Response:
        view = self._view
        data = view.one(self._resource, written.body)
        return self._respond(data, status=201 if written.created else 200, view=view)

    def _respond(self, data: bytes, *, status: int = 200, view: View | None = None) -> web.Response:
        response = respond(data, status=status, view=view)
        warn(response, self._warnings)
        return response

    async def _delete(self) -> web.Response:
        options = await self._delete_options()
        return self._respond(
            orjson.dumps(await deletion.delete(self._server.objects, self._resource, self._key, options))
        )

    async def _delete_options(self) -> DeleteOptions:
        data = await self._request.read()
        body = bodies.decode_options(self._request.content_type, data) if data.strip() else None
        return delete_options(self._query, body)

    async def _delete_all(self) -> web.Response:
        selected = selection(self._resource, self._target.namespace, self._query)
        options = await self._delete_options()
        page = self._server.lists.page(self._resource, selected, list_options(self._query))
        await deletion.delete_all(self._server.objects, self._resource, page.rows, options)
        return self._respond(View().many(self._resource, page))

    async def _log(self) -> web.StreamResponse:
        pod = self._row().decode()
        options = logoptions.log_options(self._query, pod)
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)
        logoptions.check_started(pod, options.container)
        path = logs.file_of(self._server.pods, pod, options)

        def current() -> Body | None:
            row = self._server.store.get(self._key)
            return row.decode() if row is not None and row.uid == pod["metadata"]["uid"] else None

        return await stream(self._request, logs.stream(path, options, current), "text/plain")
