"""The server in this process, spoken to over HTTP."""

import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from mlplane.local.apiserver.app import application
from mlplane.local.apiserver.server import Server, open_server, running

TOKEN = "a-token"
WIDGETS = "/apis/shop.example.com/v1/namespaces/default/widgets"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(
    plural: str = "widgets", kind: str = "Widget", *, status: bool = True, **spec: Any
) -> dict[str, Any]:
    """A definition with a spec of one checked and one defaulted field."""
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "minimum": 1},
                    "colour": {"type": "string", "default": "red"},
                },
            },
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.shop.example.com"},
        "spec": {
            "group": "shop.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version | ({"subresources": {"status": {}}} if status else {})],
        }
        | spec,
    }


@dataclass
class Api:
    """HTTP requests to the server."""

    session: aiohttp.ClientSession
    server: Server
    folder: Path

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """The status and the decoded body of a response; ``type`` is the content type of the request."""
        headers = {"Content-Type": more.pop("type", "application/json")} | more.pop("headers", {})
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        data = None if raw is None else io.BytesIO(raw)
        async with self.session.request(method, path, data=data, headers=headers, **more) as response:
            answer = await response.read()
            is_json = response.content_type == "application/json"
            return response.status, json.loads(answer) if is_json else answer.decode()

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The body of a response that is no failure."""
        status, answer = await self.ask(method, path, body, **more)
        assert status < 300, answer
        return answer

    async def merge(self, path: str, body: Any, **more: Any) -> Any:
        """A merge patch."""
        return await self.ok("PATCH", path, body, type="application/merge-patch+json", **more)

    async def watch(self, path: str, count: int, **parameters: Any) -> list[dict[str, Any]]:
        """The first events of a watch."""
        params = {"watch": "true", "timeoutSeconds": "10"} | {k: str(v) for k, v in parameters.items()}
        events: list[dict[str, Any]] = []
        async with self.session.get(path, params=params) as response:
            assert response.status == 200
            async for line in response.content:
                events.append(json.loads(line))
                if len(events) == count:
                    break
        return events


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    """A new server that knows the kind Widget."""
    failures: list[BaseException] = []
    server = open_server(tmp_path / "state.db", tmp_path / "pods")
    async with running(server, failures.append):
        runner = web.AppRunner(application(server, TOKEN), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with aiohttp.ClientSession(base, headers=headers) as session:
            found = Api(session, server, tmp_path)
            await found.ok("POST", CRDS, definition())
            yield found
        server.history.end_all()
        await runner.cleanup()
    assert failures == []


@pytest.fixture
def make_definition():
    """Makes definitions."""
    return definition


@pytest.fixture
async def widgets(api: Api) -> str:
    """The path of the widgets in the namespace default."""
    return WIDGETS


@pytest.fixture
def widget():
    """Makes widgets."""

    def make(name: str, size: int = 1, **metadata: Any) -> dict[str, Any]:
        return {
            "apiVersion": "shop.example.com/v1",
            "kind": "Widget",
            "metadata": {"name": name, **metadata},
            "spec": {"size": size},
        }

    return make
