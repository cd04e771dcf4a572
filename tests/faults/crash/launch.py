"""Starts a plane for one run of a story: a copy of a fresh plane's state, and a proxy before each client."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import yaml

from faults.crash.nursery import Forked, Nursery
from faults.crash.repository import make_repository
from faults.crash.world import PATIENCE_S, QUERIES, Point, World
from faults.processes import answers, eventually
from faults.proxy import Proxy, proxied
from mlplane import names
from mlplane.cluster.kube import connect
from mlplane.local.programs import Follow, programs
from mlplane.local.state import State

NO_STORE = "file:///var/lib/mlplane/faults-store"
"""In specs only: the test doubles in containers store nothing."""


@asynccontextmanager
async def running(
    nursery: Nursery,
    template: Path,
    root: Path,
    point: Point | None,
    *,
    follows_git: bool = False,
    digits: Path | None = None,
) -> AsyncIterator[World]:
    """A plane on a copy of the template; stopped and without a process left at the end.

    Args:
        nursery: What starts the processes.
        template: State folder of a fresh plane that was stopped.
        root: Where to copy it to.
        point: The crash, if there is to be one.
        follows_git: Whether the GitOps agent runs, on a repository of the plane's own.
        digits: The repository of the digits template, beside which the store is, if containers are to run
            what they really run; None for test doubles in them.
    """
    state = _copied(template, root)
    engines_state = State.create(root / "engines")
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(connect(state.kubeconfig))
        world = World(state, cluster, {}, root / "hold", point)
        world.gateway_port = engines_state.gateway_port
        world.hold.mkdir()
        first = await stack.enter_async_context(
            proxied(state.controller_kubeconfig, root / "controller.proxied", world.hooks("controller"))
        )
        await stack.enter_async_context(
            proxied(state.kubeconfig, engines_state.kubeconfig, world.hooks("engines"))
        )
        world.repository = digits or root / "repository"
        follow = make_repository(world.repository) if follows_git else None
        store = f"file://{digits.with_name('store')}" if digits else NO_STORE
        world.processes |= _processes(nursery, state, engines_state, first, follow, store)
        try:
            for process in world.processes.values():
                process.start()
            await eventually(lambda: answers(cluster), "the API server answers", PATIENCE_S)
            async with asyncio.TaskGroup() as tasks:
                background = [tasks.create_task(world.watch(query)) for query in QUERIES]
                background.append(tasks.create_task(world.supervise()))
                yield world
                for task in background:
                    task.cancel()
        finally:
            await asyncio.to_thread(_stop, world)


def _copied(template: Path, root: Path) -> State:
    """The state at other ports; kubeconfigs follow."""
    shutil.copytree(template, root, ignore=shutil.ignore_patterns("pods", "logs", "lock", "store"))
    for name in ("plane.json", "kubeconfig"):
        (root / name).unlink()
    state = State.create(root)
    # The controller keeps the token of its service account, which the copied key has signed.
    content = yaml.safe_load(state.controller_kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = state.api_url
    state.controller_kubeconfig.write_text(yaml.safe_dump(content))
    return state


def _processes(
    nursery: Nursery,
    state: State,
    engines_state: State,
    proxy: Proxy,
    follow: Path | None,
    store: str,
) -> dict[str, Forked]:
    """The programs as ``mlplane up`` starts them, but with the proxies' kubeconfigs and another store."""
    python = Path(sys.executable) if store != NO_STORE else _interpreter(state.root)
    mine = {p.name: p for p in programs(state, None)}
    theirs = {p.name: p for p in programs(engines_state, Follow(follow, ".", "main") if follow else None)}
    commands = {
        "apiserver": mine["apiserver"].arguments,
        "controller": mine["controller"].arguments,
        "engines": theirs["engines"].arguments,
    }
    changed = {names.STORE_ENV: store}
    environments = {
        "apiserver": {**mine["apiserver"].environment},
        "controller": {**mine["controller"].environment, **changed, "KUBECONFIG": str(proxy.kubeconfig)},
        "engines": {**theirs["engines"].environment, **changed},
    }
    return {
        part: Forked(nursery, commands[part], state.log(part), environments[part], str(python))
        for part in commands
    }


def _interpreter(root: Path) -> Path:
    """What the node takes for Python: its shims run the test double for mlplane's own modules."""
    script = root / "python"
    double = Path(__file__).with_name("container.py")
    script.write_text(
        "#!/bin/sh\n"
        f'case "$3" in */shim.py) exec {sys.executable} -S -E {double} {root / "hold"} "$@";; esac\n'
        f'exec {sys.executable} "$@"\n'
    )
    script.chmod(0o700)
    return script


def _stop(world: World) -> None:
    """The engines in order, for they end what runs in Pods; the others as quickly as can be."""
    world.processes["controller"].kill()
    world.processes["engines"].stop()
    world.processes["apiserver"].kill()
    for process in world.processes.values():
        process.close()
