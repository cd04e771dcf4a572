"""Durability, order and the two views of the store."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, suppress

import pytest

from mlplane.local.apiserver.rows import Collection, Key
from mlplane.local.apiserver.statuses import ApiError
from mlplane.local.apiserver.storage import Store

THINGS = Collection("", "things")


def key(name, namespace="ns"):
    return Key(*THINGS, namespace, name)


def body(name, **more):
    return {"metadata": {"name": name, "uid": f"uid-{name}"}, **more}


@asynccontextmanager
async def open_store(path, seen=None):
    store = Store(path, (seen if seen is not None else []).append)
    task = asyncio.create_task(store.run())
    yield store
    task.cancel()
    with suppress(asyncio.CancelledError, sqlite3.Error):
        await task
    store.close()


async def test_what_is_durable_is_read_back_by_another_store(tmp_path):
    async with open_store(tmp_path / "db") as store:
        store.put(key("a"), body("a", value=1))
        store.put(key("b"), body("b"))
        store.remove(key("b"), body("b"))
        await store.durable()
    async with open_store(tmp_path / "db") as store:
        assert [row.key.name for row in store.rows(THINGS)] == ["a"]
        assert store.get(key("a")).decode()["value"] == 1


async def test_versions_grow_over_deletions_and_restarts(tmp_path):
    async with open_store(tmp_path / "db") as store:
        first = store.put(key("a"), body("a")).revision
        last = store.remove(key("a"), body("a")).revision
        await store.durable()
    assert last > first
    async with open_store(tmp_path / "db") as store:
        assert store.revision == last
        assert store.put(key("a"), body("a")).revision > last


async def test_readers_see_a_write_only_when_it_is_on_disk(tmp_path):
    async with open_store(tmp_path / "db") as store:
        row = store.put(key("a"), body("a"))
        assert store.head(key("a")) is row
        assert store.get(key("a")) is None
        assert store.rows(THINGS) == []
        await store.durable()
        assert store.get(key("a")) is row
        assert store.rows(THINGS) == [row]


async def test_the_newest_state_is_right_while_older_writes_are_committed(tmp_path):
    async with open_store(tmp_path / "db") as store:
        store.put(key("a"), body("a", n=1))
        first = store.durable()
        await asyncio.sleep(0)  # the first batch is with the disk now
        store.remove(key("a"), body("a"))
        newest = store.put(key("a"), body("a", n=2))
        await first
        assert store.head(key("a")) is newest
        await store.durable()
        assert store.get(key("a")) is newest


async def test_changes_are_told_in_order_and_after_the_commit(tmp_path):
    seen = []
    async with open_store(tmp_path / "db", seen) as store:
        store.put(key("a"), body("a"))
        store.put(key("a"), body("a", n=2))
        store.remove(key("a"), body("a"))
        assert seen == []
        await store.durable()
    assert [change.type for change in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert [change.revision for change in seen] == sorted(change.revision for change in seen)
    assert seen[1].old is seen[0].row


async def test_many_writers_share_commits(tmp_path):
    commits = []
    async with open_store(tmp_path / "db") as store:
        store._db.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        for n in range(100):
            store.put(key(f"a{n}"), body(f"a{n}"))
        await store.durable()
    assert 1 <= len(commits) < 10


async def test_lists_are_in_order_and_by_namespace(tmp_path):
    async with open_store(tmp_path / "db") as store:
        for namespace, name in (("b", "x"), ("a", "z"), ("a", "y")):
            store.put(key(name, namespace), body(name))
        await store.durable()
        assert [row.key.place for row in store.rows(THINGS)] == ["a/y", "a/z", "b/x"]
        assert [row.key.name for row in store.rows(THINGS, "a")] == ["y", "z"]


async def test_a_failing_disk_fails_the_write_and_everything_after_it(tmp_path):
    store = Store(tmp_path / "db", lambda _: None)
    store._db.execute("PRAGMA query_only = ON")
    task = asyncio.create_task(store.run())
    store.put(key("a"), body("a"))
    with pytest.raises(ApiError) as failed:
        await store.durable()
    assert failed.value.code == 500
    with pytest.raises(sqlite3.OperationalError):
        await task
    with pytest.raises(ApiError):
        store.put(key("b"), body("b"))
    assert store.get(key("a")) is None
    store.close()


async def test_commits_are_synced_to_disk(tmp_path):
    async with open_store(tmp_path / "db") as store:
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


async def test_what_was_written_before_a_stop_is_kept(tmp_path):
    store = Store(tmp_path / "db", lambda _: None)
    store.put(key("a"), body("a"))
    store.close()
    async with open_store(tmp_path / "db") as store:
        assert store.get(key("a")) is not None
