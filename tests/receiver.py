"""A receiver of notifications, on this machine."""

from contextlib import asynccontextmanager

from aiohttp import web
from yarl import URL


@asynccontextmanager
async def receiving(answers):
    """A receiver that gives these answers in turn, and then 204; its URL and what it got."""
    got = []

    async def take(request):
        got.append((dict(request.headers), await request.read(), request.path_qs))
        answer = answers.pop(0) if answers else 204
        if callable(answer):
            return await answer(request)
        return web.Response(status=answer, headers={"Location": "/elsewhere"} if answer == 302 else {})

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield URL(f"http://127.0.0.1:{runner.addresses[0][1]}/hook?token=geheim"), got
    finally:
        await runner.cleanup()
