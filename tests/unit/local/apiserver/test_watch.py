"""Watches: where they begin, what they tell, how they end."""

import asyncio
import json

from mlplane.local.apiserver import history, watch
from mlplane.local.apiserver.rows import Collection

WIDGETS = Collection("shop.example.com", "widgets")


def told(events):
    return [(event["type"], event["object"]["metadata"].get("name")) for event in events]


async def test_without_a_version_what_exists_comes_first(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    watching = asyncio.create_task(api.watch(widgets, 2))
    await asyncio.sleep(0)
    await api.ok("POST", widgets, widget("b"))
    assert told(await watching) == [("ADDED", "a"), ("ADDED", "b")]


async def test_from_a_version_only_later_changes_come(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    await api.merge(f"{widgets}/a", {"spec": {"size": 2}})
    await api.ok("DELETE", f"{widgets}/a")
    events = await api.watch(widgets, 2, resourceVersion=version)
    assert told(events) == [("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert int(version) < versions[0] < versions[1]


async def test_no_change_is_lost_between_list_and_watch(api, widgets, widget):
    async def write():
        for n in range(100):
            await api.ok("POST", widgets, widget(f"w{n:03}"))

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.01)
    listed = await api.ok("GET", widgets)
    there = [item["metadata"]["name"] for item in listed["items"]]
    events = await api.watch(widgets, 100 - len(there), resourceVersion=listed["metadata"]["resourceVersion"])
    await writing
    assert there + [name for _, name in told(events)] == [f"w{n:03}" for n in range(100)]


async def test_initial_events_end_with_a_bookmark(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    events = await api.watch(
        widgets, 2, sendInitialEvents="true", allowWatchBookmarks="true", resourceVersionMatch="NotOlderThan"
    )
    assert told(events) == [("ADDED", "a"), ("BOOKMARK", None)]
    bookmark = events[1]["object"]
    assert bookmark["kind"] == "Widget"
    assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(bookmark["metadata"]["resourceVersion"]) >= int(
        events[0]["object"]["metadata"]["resourceVersion"]
    )


async def test_bookmarks_come_while_nothing_happens(api, widgets, widget, monkeypatch):
    monkeypatch.setattr(watch, "BOOKMARK_SECONDS", 0.05)
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    await api.ok("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "other"}})
    (bookmark,) = await api.watch(widgets, 1, resourceVersion=version, allowWatchBookmarks="true")
    assert bookmark["type"] == "BOOKMARK"
    assert int(bookmark["object"]["metadata"]["resourceVersion"]) > int(version)


async def test_a_version_out_of_reach_is_an_error_in_the_stream(api, widgets, widget):
    """As a status of the response it would end a Kopf operator."""
    api.server.history.begin(api.server.store.revision)  # as after a restart
    (event,) = await api.watch(widgets, 1, resourceVersion="1")
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")


async def test_a_version_of_the_future_is_waited_for(api, widgets, widget):
    now = int((await api.ok("GET", widgets))["metadata"]["resourceVersion"])
    watching = asyncio.create_task(api.watch(widgets, 1, resourceVersion=now + 2))
    await asyncio.sleep(0.05)
    for name in ("a", "b", "c"):
        await api.ok("POST", widgets, widget(name))
    assert told(await watching) == [("ADDED", "c")]


async def test_initial_events_of_the_future_are_an_error_in_the_stream(api, widgets):
    asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    (event,) = await api.watch(widgets, 1, resourceVersion=99999, **asked)
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 504, "Timeout")
    assert event["object"]["details"]["retryAfterSeconds"] == 1


async def test_the_last_bookmark_comes_before_the_end(api, widgets, widget, monkeypatch):
    monkeypatch.setattr(watch, "_LAST_BOOKMARK_SECONDS", 2.9)
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    asked = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": 3}
    assert told(await api.watch(widgets, 1, **asked)) == [("BOOKMARK", None)]


async def test_metadata_alone_can_be_watched(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    accept = {"Accept": "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}
    parameters = {"watch": "1", "allowWatchBookmarks": "1"}
    async with api.session.get(widgets, params=parameters, headers=accept) as response:
        events = [json.loads(await response.content.readline()) for _ in range(2)]
    assert told(events) == [("ADDED", "a"), ("BOOKMARK", None)]
    assert {event["object"]["kind"] for event in events} == {"PartialObjectMetadata"}
    assert "spec" not in events[0]["object"]


async def test_a_bookmark_of_a_table_has_its_metadata_in_a_row(api, widgets):
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    parameters = {"watch": "1", "allowWatchBookmarks": "1"}
    async with api.session.get(widgets, params=parameters, headers=accept) as response:
        event = json.loads(await response.content.readline())
    (row,) = event["object"]["rows"]
    assert row["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_changes_that_were_forgotten_are_an_error_in_the_stream(api, widgets, widget, monkeypatch):
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    monkeypatch.setattr(history, "KEPT_CHANGES", 3)
    for n in range(5):
        await api.ok("POST", widgets, widget(f"w{n}"))
    (event,) = await api.watch(widgets, 1, resourceVersion=version)
    assert event["object"]["code"] == 410


async def test_a_selector_makes_objects_come_and_go(api, widgets, widget):
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    await api.ok("POST", widgets, widget("a", labels={"app": "x"}))
    await api.ok("POST", widgets, widget("b", labels={"app": "y"}))
    await api.merge(f"{widgets}/a", {"metadata": {"labels": {"app": "y"}}, "spec": {"size": 5}})
    await api.merge(f"{widgets}/b", {"metadata": {"labels": {"app": "x"}}})
    await api.merge(f"{widgets}/b", {"spec": {"size": 2}})
    await api.ok("DELETE", f"{widgets}/a")
    await api.ok("DELETE", f"{widgets}/b")
    events = await api.watch(widgets, 5, resourceVersion=version, labelSelector="app=x")
    assert told(events) == [
        ("ADDED", "a"),
        ("DELETED", "a"),
        ("ADDED", "b"),
        ("MODIFIED", "b"),
        ("DELETED", "b"),
    ]
    assert events[1]["object"]["spec"]["size"] == 1  # as it was when it was selected


async def test_a_field_selector_picks_one_object(api, widgets, widget):
    for name in ("a", "b"):
        await api.ok("POST", widgets, widget(name))
    events = await api.watch(widgets, 1, fieldSelector="metadata.name=b")
    assert told(events) == [("ADDED", "b")]


async def test_another_namespace_is_not_heard(api, widgets, widget):
    await api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": "else"}})
    await api.ok("POST", widgets.replace("default", "else"), widget("far"))
    await api.ok("POST", widgets, widget("near"))
    assert told(await api.watch(widgets, 1)) == [("ADDED", "near")]
    everywhere = await api.watch("/apis/shop.example.com/v1/widgets", 2)
    assert told(everywhere) == [("ADDED", "near"), ("ADDED", "far")]


async def test_a_write_that_changes_nothing_is_not_told(api, widgets, widget):
    created = await api.ok("POST", widgets, widget("a"))
    assert await api.merge(f"{widgets}/a", {"spec": {"size": 1}}) == created
    await api.merge(f"{widgets}/a", {"spec": {"size": 2}})
    (event,) = await api.watch(widgets, 1, resourceVersion=created["metadata"]["resourceVersion"])
    assert event["object"]["spec"]["size"] == 2


async def test_a_watch_ends_after_its_time(api, widgets):
    async with asyncio.timeout(5):
        assert await api.watch(widgets, 1, resourceVersion="", timeoutSeconds=1) == []


async def test_watches_outlive_their_kind():
    kept = history.History()
    subscription = kept.subscribe(WIDGETS)
    kept.end(WIDGETS)
    assert not subscription.ended
    async with asyncio.timeout(5):
        assert await subscription.take() == []
    assert subscription.ended


async def test_a_watch_ends_when_its_kind_is_gone(api, widgets, widget):
    await api.ok("POST", widgets, widget("a"))
    watching = asyncio.create_task(api.watch(widgets, 99))
    crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.shop.example.com"
    await asyncio.sleep(0.05)
    await api.ok("DELETE", crds)
    async with asyncio.timeout(5):
        assert told(await watching) == [("ADDED", "a"), ("DELETED", "a")]


async def test_tables_tell_their_columns_once(api, widgets, widget):
    for name in ("a", "b"):
        await api.ok("POST", widgets, widget(name))
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    events = []
    async with api.session.get(widgets, params={"watch": "1"}, headers=accept) as response:
        async for line in response.content:
            events.append(json.loads(line))
            if len(events) == 2:
                break
    assert [event["object"]["kind"] for event in events] == ["Table", "Table"]
    assert [bool(event["object"]["columnDefinitions"]) for event in events] == [True, False]
    assert [event["object"]["rows"][0]["cells"][0] for event in events] == ["a", "b"]


async def test_a_watcher_that_does_not_read_is_cut_off(api, widgets, widget, monkeypatch):
    monkeypatch.setattr(history, "BACKLOG_BYTES", 10_000)
    resource = api.server.registry.find("shop.example.com", "v1", "widgets")
    slow = api.server.history.subscribe(resource.collection)
    for n in range(40):
        await api.ok("POST", widgets, widget(f"w{n}"))
    assert slow.ended
    assert len(await slow.take()) < 40


async def test_a_deletion_tells_the_object_as_it_was_stored_last(api, widgets, widget):
    version = (await api.ok("GET", widgets))["metadata"]["resourceVersion"]
    await api.ok("POST", widgets, widget("a"))
    await api.ok("DELETE", f"{widgets}/a")
    await api.ok("POST", widgets, widget("b", finalizers=["x/y"]))
    await api.ok("DELETE", f"{widgets}/b")
    await api.merge(f"{widgets}/b", {"metadata": {"finalizers": None}})
    events = await api.watch(widgets, 5, resourceVersion=version)
    at_once, with_finalizer = (event["object"]["metadata"] for event in events if event["type"] == "DELETED")
    assert "deletionTimestamp" not in at_once
    assert at_once["generation"] == 1
    assert with_finalizer["finalizers"] == ["x/y"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
