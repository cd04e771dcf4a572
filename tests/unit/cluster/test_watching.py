"""A watch goes on whatever the server does: faults that a real one gives too rarely to wait for."""

import asyncio
import json
from contextlib import aclosing

import pytest
from aiohttp import web

from mlplane.api.refs import Query
from mlplane.cluster import watching
from mlplane.errors import Terminal

QUERY = Query("v1", "ConfigMap", "team")


def config_map(name, version, uid=None):
    metadata = {"name": name, "namespace": "team", "resourceVersion": str(version), "uid": uid or name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def change(type_, *args, **kwargs):
    return {"type": type_, "object": config_map(*args, **kwargs)}


GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}
CUT = b'{"type": "ADDED", "obj'


class Script:
    """Answers lists and watches in the order given; the last watch stays open."""

    def __init__(self, lists, watches):
        self.lists, self.watches, self.asked = list(lists), list(watches), []

    async def __call__(self, request):
        if "watch" not in request.query:
            version, items = self.lists.pop(0)
            return web.json_response({"metadata": {"resourceVersion": version}, "items": items})
        self.asked.append(request.query["resourceVersion"])
        lines = self.watches.pop(0) if self.watches else []
        if isinstance(lines, int):
            return web.json_response({"kind": "Status", "code": lines, "message": "no"}, status=lines)
        return await self.stream(request, lines)

    async def stream(self, request, lines):
        response = web.StreamResponse()
        await response.prepare(request)
        for line in lines:
            await response.write(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n")
        if not self.watches:
            await asyncio.Event().wait()
        return response


async def seen(cluster, count):
    """The first events of a watch, as (type, name)."""
    found = []
    async with asyncio.timeout(5), aclosing(cluster.watch(QUERY)) as events:
        async for event in events:
            found.append((event.type, event.body.get("metadata", {}).get("name")))
            if len(found) == count:
                return found
    return found


async def test_a_stream_that_ends_is_resumed_from_the_last_version_also_of_a_bookmark(scripted):
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "7"}}}
    script = Script([("1", [])], [[change("ADDED", "a", 5)], [bookmark], [change("MODIFIED", "a", 8)], []])
    async with scripted(script) as cluster:
        assert await seen(cluster, 3) == [("SYNCED", None), ("ADDED", "a"), ("MODIFIED", "a")]
    assert script.asked[:3] == ["1", "5", "7"]


@pytest.mark.parametrize("fault", [[GONE], 410, 404], ids=["in the stream", "as an answer", "not found"])
async def test_after_an_expired_version_the_difference_of_two_lists_is_told(scripted, fault):
    before = [
        config_map("gone", 1),
        config_map("same", 2),
        config_map("changed", 3),
        config_map("again", 4, "x"),
    ]
    after = [
        config_map("same", 2),
        config_map("changed", 8),
        config_map("again", 9, "y"),
        config_map("new", 7),
    ]
    async with scripted(Script([("4", before), ("9", after)], [fault, []])) as cluster:
        found = await seen(cluster, 10)
    assert found[4] == ("SYNCED", None)
    assert sorted(found[5:]) == [
        ("ADDED", "again"),
        ("ADDED", "new"),
        ("DELETED", "again"),
        ("DELETED", "gone"),
        ("MODIFIED", "changed"),
    ]
    assert found.index(("DELETED", "again")) < found.index(("ADDED", "again"), 5)


@pytest.mark.parametrize("fault", [[CUT], 500, 429, 401], ids=["half a line", "500", "429", "401"])
async def test_after_a_fault_the_watch_goes_on_without_a_list(scripted, fault):
    script = Script([("1", [config_map("a", 1)])], [fault, [change("ADDED", "b", 2)], []])
    async with scripted(script) as cluster:
        assert await seen(cluster, 3) == [("ADDED", "a"), ("SYNCED", None), ("ADDED", "b")]
    assert script.asked[:2] == ["1", "1"]


async def test_a_silent_connection_is_given_up(scripted, monkeypatch):
    monkeypatch.setattr(watching, "SILENCE_S", 0.05)
    silence = asyncio.Event()

    class Silent(Script):
        async def stream(self, request, lines):
            if lines == ["silence"]:
                response = web.StreamResponse()
                await response.prepare(request)
                await silence.wait()
                return response
            return await super().stream(request, lines)

    async with scripted(Silent([("1", [])], [["silence"], [change("ADDED", "a", 2)], []])) as cluster:
        assert await seen(cluster, 2) == [("SYNCED", None), ("ADDED", "a")]
        silence.set()


async def test_an_object_larger_than_any_buffer_comes_whole(scripted):
    big = change("ADDED", "big", 2)
    big["object"]["data"] = {"x": "y" * 3_000_000}
    async with scripted(Script([("1", [])], [[big], []])) as cluster:
        assert await seen(cluster, 2) == [("SYNCED", None), ("ADDED", "big")]


async def test_a_refusal_ends_the_watch_with_the_servers_words(scripted):
    async def handler(_request):
        return web.json_response({"message": "may not list"}, status=403)

    async with scripted(handler) as cluster:
        with pytest.raises(Terminal, match="may not list"):
            await seen(cluster, 1)
