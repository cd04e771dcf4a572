"""The three processes of a plane, and what it takes to keep one running. Used by ``up``."""

import asyncio
import contextlib
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlplane import names
from mlplane.local.state import State

FIRST_DELAY_S = 0.2
LAST_DELAY_S = 10.0
CALM_S = 10.0
"""A process that lived this long gets a fresh start: its next restart comes soon."""
LOG_LIMIT_B = 10_000_000
CONTROLLER_POD = "mlplane-controller-local"
CONTROLLER = "mlplane-controller-local"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Follow:
    """The git repository that the plane follows."""

    repo: Path
    path: str | None
    """Path in it; None for the environments of its ``promotion.yaml``."""
    revision: str

    def arguments(self) -> tuple[str, ...]:
        """The same on the command line of ``engines``."""
        path = () if self.path is None else ("--path", self.path)
        return ("--repo", str(self.repo.absolute()), *path, "--revision", self.revision)


@dataclass(frozen=True)
class Allowed:
    """What the operator of a plane allows."""

    images: tuple[str, ...] = ()
    """Patterns of images that run as processes here, beside mlplane's own."""
    hosts: tuple[str, ...] = ()
    """Servers, ``host`` or ``host:port``, that data are read from although their addresses are not public."""
    signers: Path | None = None
    """File of those whose commits are applied (ssh-keygen(1)); None where everybody's are."""
    profile: Path | None = None
    """File with the operator's profile of this machine, for the controller."""

    def arguments(self) -> tuple[str, ...]:
        """As far as it concerns the engines, on their command line."""
        signers = (f"--signers={self.signers.absolute()}",) if self.signers else ()
        return (*signers, *(f"--allow-image={image}" for image in self.images))


NOTHING = Allowed()


@dataclass
class Program:
    """A process that is kept running."""

    name: str
    arguments: tuple[str, ...]
    """Module and its arguments."""
    log_file: Path
    lock_file: Path
    """Held while it runs, so that there is never a second one."""
    environment: Mapping[str, str]
    grace_s: float
    """How long it may take to stop when asked."""
    ended: int = 0
    """How often it has ended by itself."""
    pid: int | None = field(default=None, repr=False)

    async def keep_running(self, report: Callable[[str], None]) -> None:
        """Start it, and start it again when it ends, until cancelled; then stop it."""
        delay = FIRST_DELAY_S
        while True:
            started = time.monotonic()
            outcome = await self._run()
            self.ended += 1
            if time.monotonic() - started > CALM_S:
                delay = FIRST_DELAY_S
            with contextlib.suppress(OSError):  # nobody may be listening any more
                again = f"starting it again in {delay:.1f} s; see {self.log_file}"
                report(f"{self.name} ended ({outcome}); {again}")
            await asyncio.sleep(delay)
            delay = min(delay * 2, LAST_DELAY_S)

    async def _run(self) -> str:
        try:
            process = await self._start()
        except OSError as error:
            return f"it could not be started: {error}"
        self.pid = process.pid
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _stop(process, self.grace_s)
            raise
        finally:
            self.pid = None
        return f"exit code {code}" if code >= 0 else f"signal {-code}"

    async def _start(self) -> Process:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_B:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "mlplane.local.tether", str(self.lock_file), *self.arguments),
                stdin=PIPE,  # held open for as long as the supervisor lives
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,  # a Ctrl-C is for the supervisor, which stops all in order
            )

    def last_words(self) -> str:
        """The last line that it has logged."""
        with contextlib.suppress(OSError):
            lines = self.log_file.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


async def _stop(process: Process, grace_s: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(grace_s):
            await process.wait()
    except TimeoutError:
        log.warning("process %d did not stop within %.0f s: killed", process.pid, grace_s)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def programs(state: State, follow: Follow | None, allowed: Allowed = NOTHING) -> tuple[Program, ...]:
    """API server, controller and engines."""
    common = {**os.environ, names.STORE_ENV: state.store_url, "PYTHONUNBUFFERED": "1"}
    admin = common | {"KUBECONFIG": str(state.kubeconfig)}
    hosts = (os.environ.get(names.ALLOWED_HOSTS_ENV), *allowed.hosts)
    # As in a pod of its Deployment: what is started again is the same holder of the Lease.
    own = common | {
        "KUBECONFIG": str(state.controller_kubeconfig),
        "POD_NAME": CONTROLLER_POD,
        "POD_NAMESPACE": names.SYSTEM_NAMESPACE,
        names.ALLOWED_HOSTS_ENV: ",".join(filter(None, hosts)),
    }
    folder = ("--state", str(state.root))
    repository = follow.arguments() if follow else ()
    profile = (f"--profile={allowed.profile.absolute()}",) if allowed.profile else ()

    def program(
        name: str, arguments: tuple[str, ...], environment: Mapping[str, str], grace_s: float
    ) -> Program:
        return Program(name, arguments, state.log(name), state.lock_of(name), environment, grace_s)

    return (
        program("apiserver", ("mlplane.local.apiserver", *folder), admin, 5),
        program("controller", ("mlplane.cli.main", "controller", *profile), own, 5),
        program("engines", ("mlplane.local.engines", *folder, *repository, *allowed.arguments()), admin, 15),
    )
