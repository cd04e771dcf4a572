"""Lists, as servers really give them."""

from aiohttp import web

from mlplane.api.refs import Query


async def test_a_list_of_metadata_that_is_empty_may_say_null(scripted):
    async def answer(_request):
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": None})

    async with scripted(answer) as cluster:
        assert await cluster.versions(Query("v1", "ConfigMap", "team")) == {}
