"""``python -m mlplane.local.apiserver --state DIR``: serve until SIGTERM."""

import argparse
import asyncio
import logging
import signal
import ssl
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from mlplane.errors import MlplaneError
from mlplane.local.apiserver.app import application
from mlplane.local.apiserver.server import open_server, running
from mlplane.local.state import HOST, State

_SHUTDOWN_SECONDS = 2.0

log = logging.getLogger("mlplane.local.apiserver")


async def serve(state: State) -> int:
    """Serve a state folder until a signal, or until the disk fails; returns the exit status."""
    stop = asyncio.Event()
    failures: list[BaseException] = []

    def failed(error: BaseException) -> None:
        failures.append(error)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = open_server(state.database, state.pods)
    async with running(server, failed):
        app = application(server, state.token)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, state.api_port, ssl_context=_tls(state), reuse_address=True)
            await site.start()
            log.info("API server ready at %s", state.api_url)
            await stop.wait()
            server.history.end_all()
        finally:
            await runner.cleanup()
    for error in failures:
        log.error("stopped, as a background task failed", exc_info=error)
    return 1 if failures else 0


def _tls(state: State) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(state.certificate, state.private_key)
    return context


def main() -> int:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m mlplane.local.apiserver", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="state folder, made by mlplane up")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return uvloop.run(serve(State.load(arguments.state)))
    except (MlplaneError, OSError) as error:
        log.error("%s", error)  # a sentence for a person; a traceback tells no more
        return 1


if __name__ == "__main__":
    sys.exit(main())
