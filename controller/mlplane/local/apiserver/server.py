"""The server without HTTP: store, kinds and history, put together and started."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlplane.local.apiserver import collect, crds
from mlplane.local.apiserver.authority import Authority
from mlplane.local.apiserver.deletion import PROTECTED
from mlplane.local.apiserver.history import History
from mlplane.local.apiserver.kinds import BUILTINS, NODE_LEASES
from mlplane.local.apiserver.lists import Lists
from mlplane.local.apiserver.objects import Objects
from mlplane.local.apiserver.rbacdefaults import defaults
from mlplane.local.apiserver.registry import Registry
from mlplane.local.apiserver.rows import Change
from mlplane.local.apiserver.statuses import Body
from mlplane.local.apiserver.storage import Store
from mlplane.local.apiserver.tokens import Tokens, signing_key
from mlplane.local.apiserver.writes import WriteOptions


@dataclass(frozen=True)
class Server:
    """What the HTTP layer works on."""

    store: Store
    registry: Registry
    history: History
    objects: Objects
    lists: Lists
    authority: Authority
    tokens: Tokens
    pods: Path
    """Where the node keeps the logs of containers: a folder for each pod uid."""


def open_server(database: Path, pods: Path) -> Server:
    """Open the database and serve the kinds that are defined in it.

    Args:
        database: SQLite file; created if it is missing, and beside it the key that signs tokens.
        pods: Folder with the folders of pods.
    """
    registry, history = Registry(BUILTINS), History()

    def publish(change: Change) -> None:
        # The kinds follow before anybody hears of the definition, so that a client may use them at once.
        gone = crds.follow(registry, change) if change.row.key.collection == crds.CRDS else None
        authority.follow(change)
        history.append(change)
        if gone:
            history.end(gone)

    store = Store(database, publish)
    authority = Authority(store)
    tokens = Tokens(store, signing_key(database.with_name("tokens.key")))
    history.begin(store.revision)
    for row in store.rows(crds.CRDS):
        registry.install(row.key.name, crds.resources_of(row.decode()))
    return Server(store, registry, history, Objects(store), Lists(store, history), authority, tokens, pods)


@asynccontextmanager
async def running(server: Server, on_failure: Callable[[BaseException], None]) -> AsyncIterator[None]:
    """Commit writes and collect garbage while the context lasts; then commit what is left and close.

    Args:
        server: An opened server.
        on_failure: Called if a background task dies, which it does only if the disk fails or for a bug.
    """
    tasks = [
        asyncio.create_task(server.store.run(), name="commit"),
        asyncio.create_task(collect.run(server.objects, server.registry, server.history), name="collect"),
    ]

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            on_failure(error)

    for task in tasks:
        task.add_done_callback(ended)
    try:
        await _bootstrap(server)
        yield
    finally:
        for task in reversed(tasks):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        server.store.close()


async def _bootstrap(server: Server) -> None:
    """Create what every cluster has: namespaces and roles."""
    namespaces: list[Body] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in (*PROTECTED, NODE_LEASES)
    ]
    options = WriteOptions(manager="mlplane-apiserver")
    async with asyncio.TaskGroup() as tasks:  # one commit for all of them
        for body in (*namespaces, *defaults()):
            resource = server.registry.kind(body["apiVersion"], body["kind"])
            if resource and server.store.head(resource.key("", body["metadata"]["name"])) is None:
                tasks.create_task(server.objects.create(resource, "", body, options))
