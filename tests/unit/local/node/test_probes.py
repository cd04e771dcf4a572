"""Probes against real sockets."""

import asyncio

import aiohttp
from aiohttp import web

from mlplane.local.node.probes import watch_health

CONTAINER = {"name": "main", "ports": [{"containerPort": 8080, "name": "http"}]}


async def until(holds, seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what is waited for is a socket away
            await asyncio.sleep(0.01)


async def test_a_tcp_probe_is_met_when_something_listens_and_fails_when_nothing_does():
    probe = {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "failureThreshold": 1}
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as session:
        container = CONTAINER | {"readinessProbe": probe, "livenessProbe": probe}
        health = watch_health(session, container, {"main": {"8080": port}}, was_ready=False)
        await until(lambda: health.ready)
        assert not health.dead
        server.close()
        await until(lambda: health.dead and not health.ready)
        health.stop()


async def test_nothing_else_is_asked_before_the_startup_probe_was_met():
    asked, is_up = [], asyncio.Event()

    async def start(request):
        asked.append(request)
        return web.Response(status=200 if is_up.is_set() else 503)

    startup = {"httpGet": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 30}
    liveness = {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 1}  # nobody listens there
    runner = web.ServerRunner(web.Server(start))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        known = {"main": {"8080": runner.addresses[0][1]}}
        container = CONTAINER | {"startupProbe": startup, "livenessProbe": liveness}
        health = watch_health(session, container, known, was_ready=False)
        await until(lambda: len(asked) == 2)
        assert not health.dead
        is_up.set()
        await until(lambda: health.started and health.dead)
        health.stop()
    await runner.cleanup()
