"""The port's verbs and its watch against the real API server."""

import asyncio
from collections import Counter
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from mlplane.api.refs import Query, Ref
from mlplane.cluster import listing
from mlplane.cluster.discovery import UnknownKind
from mlplane.cluster.kube import connect
from mlplane.errors import Terminal, Transient

QUERY = Query("v1", "ConfigMap", "default")
REF = Ref("v1", "ConfigMap", "default", "a")


def config_map(name, labels=None, **data):
    metadata = {"name": name, "namespace": "default", **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


@asynccontextmanager
async def watched(cluster, query=QUERY):
    """What a watch has told so far, as (type, name)."""
    events = []

    async def follow():
        async with aclosing(cluster.watch(query)) as stream:
            async for event in stream:
                name = event.body.get("metadata", {}).get("name")
                events.append((event.type, name))

    task = asyncio.create_task(follow())
    try:
        yield events
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_what_was_created_is_there_with_its_kind_and_cannot_be_created_again(cluster):
    created = await cluster.create(config_map("a", x="1"), manager="test")
    assert created["metadata"]["uid"]
    assert await cluster.create(config_map("a", x="2"), manager="test") is None
    found = await cluster.get(REF)
    assert (found["apiVersion"], found["kind"], found["data"]) == ("v1", "ConfigMap", {"x": "1"})


async def test_what_does_not_exist_is_none(cluster):
    assert await cluster.get(REF) is None
    assert await cluster.patch(REF, {"data": {"x": "1"}}, manager="test") is None


async def test_a_kind_that_does_not_exist_is_terminal_and_says_so(cluster):
    with pytest.raises(UnknownKind, match=r"no kind Thing in tests\.mlplane\.dev/v1; install"):
        await cluster.get(Ref("tests.mlplane.dev/v1", "Thing", "default", "a"))


async def test_a_kind_that_comes_and_goes_is_noticed(cluster, thing_crd, eventually):
    ref = Ref("tests.mlplane.dev/v1", "Thing", "default", "a")
    with pytest.raises(UnknownKind):
        await cluster.get(ref)
    await cluster.apply(thing_crd, manager="test")
    assert await cluster.get(ref) is None
    crd = Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", thing_crd["metadata"]["name"])
    await cluster.delete(crd)
    await eventually(lambda: _is_gone(cluster, crd))
    with pytest.raises(UnknownKind):
        await cluster.get(ref)


async def _is_gone(cluster, ref):
    return await cluster.get(ref) is None


async def test_applying_again_changes_nothing_and_takes_over_what_others_set(cluster):
    first = await cluster.apply(config_map("a", x="1"), manager="test")
    again = await cluster.apply(config_map("a", x="1"), manager="test")
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    await cluster.apply(config_map("a", x="2"), manager="other")
    assert (await cluster.apply(config_map("a", x="3"), manager="test"))["data"] == {"x": "3"}


async def test_an_unknown_field_is_refused_and_named(cluster):
    with pytest.raises(Terminal, match="spek"):
        await cluster.create({**config_map("a"), "spek": {}}, manager="test")
    with pytest.raises(Terminal, match="spek"):
        await cluster.apply({**config_map("a"), "spek": {}}, manager="test")


async def test_a_patch_removes_with_null_and_keeps_to_the_version_it_names(cluster):
    made = await cluster.create(config_map("a", x="1", y="2"), manager="test")
    patched = await cluster.patch(REF, {"data": {"x": None}}, manager="test")
    assert patched["data"] == {"y": "2"}
    stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}, "data": {"z": "3"}}
    with pytest.raises(Transient, match="the object has been modified"):
        await cluster.patch(REF, stale, manager="test")
    assert (await cluster.get(REF))["data"] == {"y": "2"}


async def test_deleting_is_done_once_and_only_to_the_object_that_is_meant(cluster):
    await cluster.delete(REF)
    made = await cluster.create(config_map("a"), manager="test")
    await cluster.delete(REF, uid="another")
    assert await cluster.get(REF) is not None
    await cluster.delete(REF, uid=made["metadata"]["uid"])
    assert await cluster.get(REF) is None


async def test_a_list_holds_all_pages_of_what_is_selected(cluster, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 3)
    for number in range(10):
        labels = {"parity": "odd" if number % 2 else "even"}
        await cluster.create(config_map(f"c{number}", labels), manager="test")
    found = await cluster.list(Query("v1", "ConfigMap", "default", labels=(("parity", "even"),)))
    assert [body["metadata"]["name"] for body in found] == ["c0", "c2", "c4", "c6", "c8"]
    named = Query("v1", "ConfigMap", None, fields=(("metadata.name", "c3"),))
    assert [body["metadata"]["name"] for body in await cluster.list(named)] == ["c3"]


async def test_a_wrong_token_is_an_error_that_does_not_tell_it(server, cluster, tmp_path):
    text = server.state.kubeconfig.read_text().replace(server.state.token, "guessed-token")
    (tmp_path / "wrong").write_text(text)
    async with connect(tmp_path / "wrong") as other:
        with pytest.raises(Transient, match="401") as caught:
            await other.get(REF)
    assert "guessed-token" not in str(caught.value)


async def test_a_watch_tells_what_is_there_then_that_it_is_all_then_every_change(cluster, eventually):
    await cluster.create(config_map("a"), manager="test")
    async with watched(cluster) as events:
        await eventually(lambda: ("SYNCED", None) in events)
        await cluster.create(config_map("b"), manager="test")
        await cluster.patch(REF, {"data": {"x": "1"}}, manager="test")
        await cluster.delete(REF)
        await eventually(lambda: len(events) >= 5)
    assert events == [
        ("ADDED", "a"),
        ("SYNCED", None),
        ("ADDED", "b"),
        ("MODIFIED", "a"),
        ("DELETED", "a"),
    ]


async def test_a_watch_waits_for_its_kind_and_tells_when_the_kind_goes(
    cluster, things, thing_crd, eventually
):
    crd = Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", thing_crd["metadata"]["name"])
    await cluster.delete(crd)
    await eventually(lambda: _is_gone(cluster, crd))
    async with watched(cluster, Query("tests.mlplane.dev/v1", "Thing")) as events:
        await cluster.apply(thing_crd, manager="test")
        await things("a")
        await eventually(lambda: {("SYNCED", None), ("ADDED", "a")} <= set(events))
        await cluster.delete(crd)
        await eventually(lambda: events[-1] == ("DELETED", "a"))
        await eventually(lambda: _is_gone(cluster, crd))
        await cluster.apply(thing_crd, manager="test")
        await things("b")
        await eventually(lambda: events[-1] == ("ADDED", "b"))


async def test_after_a_killed_server_a_watch_goes_on_and_misses_nothing(server, cluster, eventually):
    for name in ("kept", "gone", "changed"):
        await cluster.create(config_map(name), manager="test")
    async with watched(cluster) as events:
        await eventually(lambda: ("SYNCED", None) in events)
        for round_ in range(3):
            server.kill()
            server.start()
            async with connect(server.state.kubeconfig) as other:
                await eventually(lambda other=other, round_=round_: _change(other, round_))
        await cluster.create(config_map("last"), manager="test")
        await eventually(lambda: ("ADDED", "last") in events)
    counted = Counter(event for event in events[4:])
    assert events[3] == ("SYNCED", None)
    assert 1 <= counted.pop(("MODIFIED", "changed")) <= 3  # changes between two looks are one
    assert counted == Counter(
        [("DELETED", "gone"), ("ADDED", "last"), *(("ADDED", f"new{n}") for n in range(3))]
    )


async def _change(cluster, round_):
    """Change the world as soon as the server answers, which may be before the watch is back."""
    try:
        await cluster.delete(Ref("v1", "ConfigMap", "default", "gone"))
        await cluster.apply(config_map(f"new{round_}"), manager="test")
        changed = Ref("v1", "ConfigMap", "default", "changed")
        return await cluster.patch(changed, {"data": {"round": str(round_)}}, manager="test")
    except Transient:
        return None


async def test_the_lines_of_a_container_can_be_read(server, cluster):
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {
            "nodeName": "mlplane-local",
            "containers": [{"name": "main", "image": "ghcr.io/mlplane/runtime:1"}],
        },
    }
    made = await cluster.create(pod, manager="test")
    running = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}, "name": "main", "ready": True}
    started = running | {"restartCount": 0, "image": "", "imageID": ""}
    status = {"status": {"phase": "Running", "containerStatuses": [started]}}
    await cluster.patch(Ref("v1", "Pod", "default", "p"), status, manager="test", subresource="status")
    folder = server.state.pod(made["metadata"]["uid"])
    folder.mkdir()
    (folder / "main.log").write_text("one\ntwo ü\nthree")
    lines = [line async for line in cluster.logs(Ref("v1", "Pod", "default", "p"), "main")]
    assert lines == ["one", "two ü", "three"]
    with pytest.raises(Terminal):
        await anext(cluster.logs(Ref("v1", "Pod", "default", "absent"), "main"))
