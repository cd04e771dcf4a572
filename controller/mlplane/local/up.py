"""Supervises a plane: three processes that are started, restarted when they die, and stopped in order.

The controller is started last, when it has its token: it has no rights but those of its service account.

Called by the commands ``up`` and ``demo``. A plane whose supervisor was killed stops by itself (``tether``);
the state folder then holds all it takes to go on.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from mlplane.api.meta import Body
from mlplane.cluster.kube import connect
from mlplane.errors import MlplaneError, Terminal
from mlplane.local.bootstrap import CONTROLLER, bootstrap, objects_for
from mlplane.local.files import write_atomic
from mlplane.local.gitconfig import addresses_of, gitconfig_for
from mlplane.local.node.kubelet import end_pods
from mlplane.local.programs import NOTHING, Allowed, Follow, Program, programs
from mlplane.local.state import HOST, NAMESPACE, State

READY_S = 30.0
END_S = 15.0
GATEWAY_POLL_S = 0.03
TOKEN_S = 365 * 24 * 3600
"""How long the controller's token is good for; it gets another one each time the plane starts."""
TRIES = 3
"""An API server that ends this often before it answers will not do better."""

log = logging.getLogger(__name__)

Report = Callable[[str], None]


@asynccontextmanager
async def running(
    state: State,
    *,
    repo: Path | None = None,
    path: str | None = None,
    revision: str = "main",
    allowed: Allowed = NOTHING,
    extra: Sequence[Body] = (),
    on_event: Report = log.info,
) -> AsyncIterator[tuple[Program, ...]]:
    """A plane that is ready; stopped when the context is left.

    Args:
        state: Where it lives.
        repo: The git repository to follow, if any.
        path: Path in it that holds the manifests; None for the environments of its ``promotion.yaml``.
        revision: Branch, tag or commit of it.
        allowed: What the operator allows beside mlplane's own images and public servers.
        extra: Objects that the plane has from the start beside its own.
        on_event: Told in a sentence what happens to the processes.

    Raises:
        Terminal: Another plane runs on this state, or this one does not get ready; the message says why.
    """
    with _locked(state):
        follow = Follow(repo, path, revision) if repo else None
        if follow:
            write_atomic(state.gitconfig, gitconfig_for(follow.repo, addresses_of(follow.repo)), 0o600)
        kept = programs(state, follow, allowed)
        tasks: dict[str, asyncio.Task[None]] = {}

        def start(program: Program) -> None:
            tasks[program.name] = asyncio.create_task(program.keep_running(on_event), name=program.name)

        try:
            objects = objects_for(NAMESPACE, state.gitconfig.read_text(), extra)
            await _get_ready(state, objects, kept, start)
            yield kept
        finally:
            # The controller first, so that it does not make up for what the engines take down.
            await _end(tasks, "controller")
            await _end(tasks, "engines")
            await _end_what_is_left(state)
            await _end(tasks, "apiserver")


async def _end(tasks: Mapping[str, asyncio.Task[None]], name: str) -> None:
    if task := tasks.get(name):
        task.cancel()
        await asyncio.wait([task])


async def _end_what_is_left(state: State) -> None:
    """End pods that the engines had no time for: they had just died, or had not looked yet."""
    with contextlib.suppress(MlplaneError, TimeoutError):
        async with asyncio.timeout(END_S), connect(state.kubeconfig) as cluster:
            await end_pods(cluster, state.root)


async def _get_ready(
    state: State,
    objects: Sequence[Body],
    kept: tuple[Program, ...],
    start: Callable[[Program], None],
) -> None:
    apiserver, controller, engines = kept
    start(apiserver)
    start(engines)

    def give_up_on(program: Program) -> None:
        if program.ended >= TRIES:
            raise Terminal(f"{program.name} does not start: {program.last_words()}; see {program.log_file}")

    try:
        async with asyncio.timeout(READY_S), connect(state.kubeconfig) as cluster:
            await bootstrap(cluster, objects, while_=lambda: give_up_on(apiserver))
            state.write_controller_kubeconfig(await cluster.token(CONTROLLER, seconds=TOKEN_S))
            start(controller)
            while not await _answers(state.gateway_port):
                give_up_on(engines)
                await asyncio.sleep(GATEWAY_POLL_S)
    except TimeoutError:
        raise Terminal(f"the plane is not ready after {READY_S:.0f} s; see {state.logs}") from None


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


@contextmanager
def _locked(state: State) -> Iterator[None]:
    """Keep other supervisors off; the kernel lets go when this process ends, however it does."""
    with state.lock_file.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            raise Terminal(
                f"{state.root}: a plane runs on this state already (process {pid}): "
                "stop it, or use another folder"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
