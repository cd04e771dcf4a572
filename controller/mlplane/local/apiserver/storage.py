"""Objects in SQLite: every revision is on disk before anybody hears of it.

Writers see the newest state (``head``), readers the committed one (``get``, ``rows``): a reader can never
see a write that a crash then takes back. One thread commits; whatever was written while it was busy goes
into its next transaction, so many writers share one fsync (group commit).
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from mlplane.local.apiserver.rows import Change, Collection, Key, Row, row_of
from mlplane.local.apiserver.statuses import ApiError, Body

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    grp TEXT NOT NULL, plural TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    revision INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (grp, plural, namespace, name)
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT OR IGNORE INTO facts VALUES ('revision', 1);
"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
_DROP = "DELETE FROM objects WHERE grp = ? AND plural = ? AND namespace = ? AND name = ?"


class Store:
    """All objects. Used on one event loop; ``run`` must be running for writes to be acknowledged."""

    def __init__(self, path: Path, publish: Callable[[Change], None]) -> None:
        """Open or create the database and load it.

        Args:
            path: The database file; its folder must exist.
            publish: Called with each change, in order, once it is on disk.
        """
        self._db = _connect(path)
        self._publish = publish
        self._collections: dict[Collection, dict[Key, Row]] = {}
        self._sorted: dict[Collection, list[Row]] = {}
        self._heads: dict[Key, tuple[int, Row | None]] = {}
        self._batch: list[Change] = []
        self._done: asyncio.Future[None] | None = None
        self._wake = asyncio.Event()
        self._failed = False
        self._load()

    def _load(self) -> None:
        self.revision = self._last = _fact(self._db, "revision")
        for group, plural, namespace, name, revision, data in self._db.execute("SELECT * FROM objects"):
            key = Key(group, plural, namespace, name)
            row = row_of(key, revision, orjson.loads(data), data)
            self._collections.setdefault(key.collection, {})[key] = row

    def get(self, key: Key) -> Row | None:
        """The committed row."""
        return self._collections.get(key.collection, {}).get(key)

    def head(self, key: Key) -> Row | None:
        """The newest row, perhaps not on disk yet: what a write must build on."""
        return self._heads[key][1] if key in self._heads else self.get(key)

    def rows(self, collection: Collection, namespace: str = "") -> list[Row]:
        """The committed rows of a collection, or of one namespace of it, in order."""
        rows = self._sorted.get(collection)
        if rows is None:
            found = self._collections.get(collection, {}).values()
            rows = self._sorted[collection] = sorted(found, key=lambda row: row.key.place)
        return [row for row in rows if row.key.namespace == namespace] if namespace else rows

    def collections(self) -> Iterable[Collection]:
        """The collections that have, or had, objects."""
        return list(self._collections)

    def heads(self) -> Iterable[Row]:
        """All rows as writers see them."""
        for rows in list(self._collections.values()):
            yield from (row for key, row in rows.items() if key not in self._heads)
        yield from (row for _, row in list(self._heads.values()) if row is not None)

    def put(self, key: Key, body: Body) -> Row:
        """Write an object. It gets its resourceVersion here; await ``durable`` before telling anybody."""
        old = self.head(key)
        row = self._stamp(key, body)
        self._enqueue(Change("MODIFIED" if old else "ADDED", row, old), row)
        return row

    def remove(self, key: Key, body: Body) -> Row:
        """Remove an object; ``body`` is the last state that watchers are told."""
        row = self._stamp(key, body)
        self._enqueue(Change("DELETED", row, self.head(key)), None)
        return row

    def _stamp(self, key: Key, body: Body) -> Row:
        self._check()
        self._last += 1
        body["metadata"]["resourceVersion"] = str(self._last)
        return row_of(key, self._last, body, orjson.dumps(body))

    def _enqueue(self, change: Change, head: Row | None) -> None:
        self._heads[change.row.key] = (change.revision, head)
        self._batch.append(change)
        self._wake.set()

    def durable(self) -> asyncio.Future[None]:
        """Done as soon as everything written so far is on disk."""
        self._check()
        if self._last == self.revision:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            done.set_result(None)
            return done
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
            self._wake.set()
        return self._done

    def _check(self) -> None:
        if self._failed:
            raise ApiError(500, "InternalError", "storage failed; the server is going down")

    async def run(self) -> None:
        """Commit until cancelled; what is already written is committed first.

        Raises:
            sqlite3.Error: The disk refused; the server must stop, as its memory is ahead of the disk.
        """
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="commit") as thread:
            try:
                while True:
                    await self._wake.wait()
                    self._wake.clear()
                    batch, done = self._take()
                    try:
                        await asyncio.shield(loop.run_in_executor(thread, self._commit, batch))
                    except sqlite3.Error as error:
                        self._fail(done, error)
                        raise
                    self._settle(batch, done)
            finally:
                thread.shutdown(wait=True)

    def close(self) -> None:
        """Commit what is left and close. Call after ``run`` has ended."""
        if not self._failed and self._batch:
            batch, done = self._take()
            self._commit(batch)
            self._settle(batch, done)
        self._db.close()

    def _take(self) -> tuple[list[Change], asyncio.Future[None] | None]:
        batch, done = self._batch, self._done
        self._batch, self._done = [], None
        return batch, done

    def _commit(self, batch: list[Change]) -> None:
        last = {change.row.key: change for change in batch}
        put = [(*k, c.revision, c.row.data) for k, c in last.items() if c.type != "DELETED"]
        drop = [k for k, c in last.items() if c.type == "DELETED"]
        if not batch:
            return
        with self._db:
            self._db.executemany(_PUT, put)
            self._db.executemany(_DROP, drop)
            self._db.execute("UPDATE facts SET value = ? WHERE name = 'revision'", (batch[-1].revision,))

    def _settle(self, batch: list[Change], done: asyncio.Future[None] | None) -> None:
        for change in batch:
            self._show(change)
        if done is not None and not done.done():
            done.set_result(None)

    def _show(self, change: Change) -> None:
        key = change.row.key
        rows = self._collections.setdefault(key.collection, {})
        if change.type == "DELETED":
            rows.pop(key, None)
        else:
            rows[key] = change.row
        self._sorted.pop(key.collection, None)
        if self._heads[key][0] == change.revision:
            del self._heads[key]
        self.revision = change.revision
        self._publish(change)

    def _fail(self, done: asyncio.Future[None] | None, error: Exception) -> None:
        self._failed = True
        for future in (done, self._done):
            if future is not None and not future.done():
                future.set_exception(ApiError(500, "InternalError", f"storage failed: {error}"))


def _connect(path: Path) -> sqlite3.Connection:
    # The commit thread uses the connection that the loop's thread opened, never both at once.
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(_SCHEMA)
    return db


def _fact(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return int(value)
