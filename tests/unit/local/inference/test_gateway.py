"""The gateway as a real server between real clients and real backends."""

import asyncio
import io
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from mlplane.local.inference.gateway import gateway
from mlplane.local.inference.routes import Backend, Route, Table, Weighted

HOST = "digits-default.localhost"
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def backend(handler: Handler) -> AsyncIterator[Backend]:
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Backend(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


def table(*backends: Backend, timeout: float = 10) -> Table:
    return Table({HOST: Route("default/digits", (Weighted(100, backends),), timeout)})


@pytest.fixture
async def ask() -> AsyncIterator[Callable[..., Any]]:
    """Sends a request to a gateway, as a client that knows it by its host name."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        def send(port: int, path: str = "/", method: str = "GET", host: str = HOST, **options: Any) -> Any:
            headers = {"Host": f"{host}:{port}"} | options.pop("headers", {})
            return session.request(
                method, f"http://127.0.0.1:{port}{path}", headers=headers, allow_redirects=False, **options
            )

        yield send


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    body = await request.read()
    seen = {"method": request.method, "path": request.raw_path, "headers": dict(request.headers)}
    return web.json_response(seen | {"body": body.decode()}, status=202, headers={"X-Answer": "yes"})


async def test_a_request_reaches_the_backend_and_its_answer_the_client(ask: Any) -> None:
    async with backend(echo) as one, gateway(table(one), 0) as port:
        path = "/v1/models/a%2Fb:predict?x=1&y=%20"
        async with ask(port, path, "POST", data=b"hello", headers={"X-Mine": "1"}) as answer:
            seen = await answer.json()
    assert (answer.status, answer.headers["X-Answer"]) == (202, "yes")
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", path, "hello")
    assert seen["headers"]["Host"] == f"{HOST}:{port}"
    assert seen["headers"]["X-Mine"] == "1"
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["X-Forwarded-Host"] == f"{HOST}:{port}"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"
    assert (seen["headers"]["KServe-Isvc-Namespace"], seen["headers"]["KServe-Isvc-Name"]) == (
        "default",
        "digits",
    )


async def test_headers_of_one_connection_stay_there(ask: Any) -> None:
    sent = {"Connection": "X-Hop", "X-Hop": "1", "TE": "trailers", "X-Forwarded-For": "10.0.0.1"}
    async with backend(echo) as one, gateway(table(one), 0) as port, ask(port, headers=sent) as answer:
        seen = (await answer.json())["headers"]
    assert not {"X-Hop", "TE"} & seen.keys()
    assert seen["X-Forwarded-For"] == "10.0.0.1, 127.0.0.1"


async def exchange(port: int, head: str) -> tuple[int, Any]:
    """What a request written by hand, which no client would tidy, is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    await writer.wait_closed()
    first, _, body = answer.partition(b"\r\n\r\n")
    return int(first.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/v1?a=%2F", "/v1?a=%2F"),
        ("/a//../b/./c", "/a//../b/./c"),
        ("/%7Eme/%2e%2E", "/%7Eme/%2e%2E"),
        ("//other.example/x", "//other.example/x"),
        (f"http://{HOST}/v2", "/v2"),
        (f"HTTP://{HOST}:80?x=1", "/?x=1"),
    ],
)
async def test_the_path_reaches_the_backend_as_it_was_sent(target: str, path: str) -> None:
    async with backend(echo) as one, gateway(table(one), 0) as port:
        status, seen = await exchange(port, f"GET {target} HTTP/1.1\r\nHost: {HOST}")
    assert (status, seen["path"]) == (202, path)


async def test_an_absolute_target_counts_for_more_than_the_host() -> None:
    async with backend(echo) as one, gateway(table(one), 0) as port:
        _, seen = await exchange(port, f"GET http://{HOST}/v2 HTTP/1.1\r\nHost: other.example")
        status, _ = await exchange(port, f"GET http://other.example/v2 HTTP/1.1\r\nHost: {HOST}")
    assert (seen["headers"]["Host"], status) == (HOST, 404)


@pytest.mark.parametrize("line", ["OPTIONS *", f"GET https://{HOST}/v2", f"GET ftp://{HOST}/v2"])
async def test_a_target_without_a_path_of_this_gateway_is_400(line: str) -> None:
    async with backend(echo) as one, gateway(table(one), 0) as port:
        status, answer = await exchange(port, f"{line} HTTP/1.1\r\nHost: {HOST}")
    assert status == 400
    assert "send a path" in answer["error"]


async def test_the_host_is_kept_though_connection_names_it(ask: Any) -> None:
    sent = {"Connection": "host"}
    async with backend(echo) as one, gateway(table(one), 0) as port, ask(port, headers=sent) as answer:
        assert (await answer.json())["headers"]["Host"] == f"{HOST}:{port}"


async def test_an_unknown_host_is_404_as_json(ask: Any) -> None:
    async with gateway(table(), 0) as port, ask(port, host="evil.example") as answer:
        assert answer.status == 404
        assert "no InferenceService has the host 'evil.example" in (await answer.json())["error"]


async def test_a_service_without_a_ready_pod_is_503_as_json(ask: Any) -> None:
    async with gateway(table(), 0) as port, ask(port) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert (await answer.json())["error"].startswith("InferenceService default/digits has no ready pod")


async def test_a_backend_that_cannot_be_reached_is_passed_over(ask: Any) -> None:
    dead = Backend("127.0.0.1", unused_port())
    async with backend(echo) as one, gateway(table(dead, one), 0) as port:
        for _ in range(10):
            async with ask(port, method="POST", data=b"x" * 100_000) as answer:
                assert answer.status == 202
                assert len((await answer.json())["body"]) == 100_000


async def test_no_reachable_backend_is_503(ask: Any) -> None:
    dead = Backend("127.0.0.1", unused_port())
    async with gateway(table(dead), 0) as port, ask(port) as answer:
        assert answer.status == 503
        assert "can be reached" in (await answer.json())["error"]


async def test_a_silent_backend_is_504(ask: Any) -> None:
    release = asyncio.Event()

    async def silent(_: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async with backend(silent) as one, gateway(table(one, timeout=0.1), 0) as port:
        async with ask(port) as answer:
            assert answer.status == 504
            assert "took more than 0.1 s" in (await answer.json())["error"]
        release.set()


async def test_a_backend_that_breaks_off_is_502_and_is_not_asked_twice(ask: Any) -> None:
    asked = []

    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(await request.read())
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with (
        backend(broken) as one,
        gateway(table(one, one), 0) as port,
        ask(port, method="POST", data=b"x") as answer,
    ):
        assert answer.status == 502
    assert asked == [b"x"]


async def test_a_question_that_changes_nothing_is_asked_again_elsewhere(ask: Any) -> None:
    async def broken(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with backend(broken) as one, backend(echo) as two, gateway(table(one, two), 0) as port:
        for _ in range(4):
            async with ask(port) as answer:
                assert answer.status == 202


async def test_a_body_that_is_too_large_is_413_whether_it_says_so_or_not(
    ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlplane.local.inference.gateway.MAX_BODY_BYTES", 2**20)

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 2**15

    async with backend(echo) as one, gateway(table(one), 0) as port:
        for data in (io.BytesIO(b"x" * (2**20 + 1)), parts()):
            async with ask(port, method="POST", data=data) as answer:
                assert answer.status == 413
                assert "larger than 1 MiB" in (await answer.json())["error"]
        async with ask(port, method="POST", data=io.BytesIO(b"x" * 2**20)) as answer:
            assert answer.status == 202


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on() -> None:
    async with backend(echo) as one, gateway(table(one), 0) as port, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        writer.write(head.encode())
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"
        await reader.readline()
        writer.write(b"hello")
        assert (await reader.readline()).startswith(b"HTTP/1.1 202")
        writer.close()
        await writer.wait_closed()


async def test_connections_are_kept_on_both_sides(ask: Any) -> None:
    peers = set()

    async def who(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with backend(who) as one, gateway(table(one), 0) as port:
        for _ in range(5):
            async with ask(port) as answer:
                assert answer.headers.get("Connection") is None
    assert len(peers) == 1


async def test_requests_are_split_as_the_weights_say(ask: Any) -> None:
    async def canary(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=299)

    async with backend(echo) as one, backend(canary) as two:
        split = Table({HOST: Route("default/digits", (Weighted(80, (one,)), Weighted(20, (two,))))})
        async with gateway(split, 0) as port:
            statuses = []
            for _ in range(100):
                async with ask(port) as answer:
                    statuses.append(answer.status)
    assert (statuses.count(202), statuses.count(299)) == (80, 20)


async def test_bodies_are_streamed_both_ways(ask: Any) -> None:
    first_arrived = asyncio.Event()

    async def relay(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        async for chunk in request.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response

    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        await first_arrived.wait()  # the second part exists only after the first has come back
        yield b"second"

    async with (
        asyncio.timeout(20),
        backend(relay) as one,
        gateway(table(one), 0) as port,
        ask(port, method="POST", data=parts()) as answer,
    ):
        assert await answer.content.read(5) == b"first"
        first_arrived.set()
        assert await answer.content.read() == b"second"


async def test_a_backend_that_dies_in_the_middle_is_not_taken_for_a_complete_answer(ask: Any) -> None:
    async def half(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "10"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with backend(half) as one, gateway(table(one), 0) as port:
        with pytest.raises(aiohttp.ClientError):
            async with ask(port) as answer:
                await answer.read()


async def test_compressed_answers_and_redirects_pass_unchanged(ask: Any) -> None:
    async def answer_with(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/gone":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        return web.Response(body=b"\x1f\x8bnot really", headers={"Content-Encoding": "gzip"})

    async with backend(answer_with) as one, gateway(table(one), 0) as port:
        async with ask(port) as answer:
            assert answer.headers["Content-Encoding"] == "gzip"
            assert await answer.read() == b"\x1f\x8bnot really"
        async with ask(port, "/gone") as answer:
            assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere")


async def test_head_and_empty_answers_pass(ask: Any) -> None:
    async def answer_with(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=204 if request.path == "/empty" else 200, body=None)

    async with backend(answer_with) as one, gateway(table(one), 0) as port:
        for method, path, want in (("HEAD", "/", 200), ("GET", "/empty", 204), ("DELETE", "/empty", 204)):
            async with ask(port, path, method) as answer:
                assert (answer.status, await answer.read()) == (want, b"")


async def test_traffic_moves_with_the_table_without_a_failed_request(ask: Any) -> None:
    async def slow(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(0.005)
        return web.Response()

    async with backend(slow) as one, backend(slow) as two:
        routes = table(one)
        async with gateway(routes, 0) as port:
            statuses: list[int] = []

            async def load() -> None:
                for _ in range(40):
                    async with ask(port) as answer:
                        statuses.append(answer.status)

            async with asyncio.TaskGroup() as tasks:
                for _ in range(4):
                    tasks.create_task(load())
                for _ in range(20):
                    await asyncio.sleep(0.01)
                    routes.routes = table(two).routes
                    await asyncio.sleep(0.01)
                    routes.routes = table(one).routes
            assert set(statuses) == {200}
