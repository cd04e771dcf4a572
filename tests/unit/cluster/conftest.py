"""A web server with scripted answers, for faults that no real API server gives on request."""

from contextlib import asynccontextmanager

import pytest
import yaml
from aiohttp import web

from mlplane.cluster.kube import connect

RESOURCES = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": []}]}
TOKEN = "a-secret-token"


@pytest.fixture
def scripted(tmp_path):
    """``async with scripted(handler) as cluster``: each request beside discovery goes to the handler."""

    @asynccontextmanager
    async def serve(handler):
        async def answer(request):
            if request.path == "/api/v1":
                return web.json_response(RESOURCES)
            return await handler(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        try:
            async with connect(write_kubeconfig(tmp_path, f"http://127.0.0.1:{port}")) as cluster:
                yield cluster
        finally:
            await runner.cleanup()

    return serve


def write_kubeconfig(folder, server, user=None, namespace="team"):
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": namespace}},
            {"name": "two", "context": {"cluster": "c", "user": "u"}},
        ],
        "current-context": "one",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture
def kubeconfig(tmp_path):
    """Writes a kubeconfig: ``kubeconfig(server, user=…, namespace=…)``."""
    return lambda server, **more: write_kubeconfig(tmp_path, server, **more)
