"""Attempts of containers as processes: started, found again, signalled; what is known is read from disk.

An attempt runs at most once, whatever is killed when: the shim that links ``shim.json`` first runs it
(see shim.py). So starting an attempt again is safe while that file is missing.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mlplane.api import Body
from mlplane.local.node import shim
from mlplane.local.podfolder import PodFolder, is_file_name

ATTEMPTS_KEPT = 8
"""Enough to see how a container has fared lately, for the back-off."""

STOPPED = "stopped"
OUT_OF_MEMORY = "out-of-memory"

_started_here: dict[int, subprocess.Popen[bytes]] = {}
"""Shims that are children of this process and have to be reaped by it."""


@dataclass(frozen=True)
class Run:
    """One attempt of a container. Times are seconds since the epoch."""

    attempt: int
    state: Literal["starting", "running", "exited", "lost"]
    """lost: the shim has vanished without an exit code."""
    pid: int = 0
    """The container's first process, and its process group."""
    identity: str = ""
    """Tells this process from every other of the same number."""
    started: float = 0.0
    finished: float = 0.0
    code: int = 0
    error: str = ""
    """Why the command could not be started."""
    stopped: bool = False
    """Ended because the node stopped: says nothing against the container."""
    out_of_memory: bool = False
    """Ended because it used more memory than it may."""

    @property
    def is_over(self) -> bool:
        """Whether the attempt has ended, known how or not."""
        return self.state in ("exited", "lost")


def start(
    folder: PodFolder,
    container: str,
    attempt: int,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    keep_stdout: bool = False,
) -> None:
    """Start an attempt, unless a shim has it already.

    The environment never touches the disk: it may hold secrets. With ``keep_stdout`` the standard output is
    in a file of its own too.
    """
    run_dir = folder.attempts(container) / str(attempt)
    if not run_dir.exists():
        _keep_previous_log(folder, container)
        run_dir.mkdir(parents=True)
        shutil.rmtree(folder.attempts(container) / str(attempt - ATTEMPTS_KEPT), ignore_errors=True)
    elif (run_dir / "shim.json").exists():
        return
    process = subprocess.Popen(
        [
            *(sys.executable, "-S", "-E", shim.__file__, str(run_dir), str(folder.log(container))),
            str(folder.stdout(container)) if keep_stdout else "",
            *command,
        ],
        env=dict(environment),
        cwd=folder.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _started_here[process.pid] = process


def _keep_previous_log(folder: PodFolder, container: str) -> None:
    if folder.log(container).exists():
        folder.log(container).replace(folder.previous_log(container))


_DAMAGED: Body = {"pid": 0, "started": "", "code": 128 + signal.SIGKILL, "finished": 0.0}


def reap() -> None:
    """Take the exit codes of shims that have ended, so that no zombies stay."""
    for pid, process in list(_started_here.items()):
        if process.poll() is not None:
            _started_here.pop(pid, None)


def read(folder: PodFolder, container: str) -> tuple[Run, ...]:
    """The attempts of a container that are kept, oldest first; none of one whose name is refused."""
    if not is_file_name(container):
        return ()
    parent = folder.attempts(container)
    if not parent.is_dir():
        return ()
    numbers = sorted(int(child.name) for child in parent.iterdir())
    return tuple(_read_run(parent / str(number), number) for number in numbers)


def read_latest(folder: PodFolder) -> list[Run]:
    """The latest attempt of each container that ever was started, whatever the Pod says."""
    parent = folder.root / "run"
    names = [child.name for child in parent.iterdir()] if parent.is_dir() else []
    return [attempts[-1] for name in names if (attempts := read(folder, name))]


def _read_run(run_dir: Path, attempt: int) -> Run:
    holder = _json(run_dir / "shim.json")
    if holder is None:
        return Run(attempt, "starting")
    ended = _json(run_dir / "exit.json")
    alive = ended is None and shim.start_time(holder["pid"]) == holder["started"]
    if ended is None and not alive:
        ended = _json(run_dir / "exit.json")  # it may have come since it was looked for
    child = _json(run_dir / "child.json")
    if child is None and alive:
        return Run(attempt, "starting")
    started = (run_dir / "shim.json").stat().st_mtime
    known = Run(attempt, "running", started=started)
    if child is not None:
        known = Run(attempt, "running", child["pid"], f"{child['pid']}-{child['started']}", started)
    if alive:
        return known
    if ended is None:
        return _ended(known, "lost", run_dir, 128 + signal.SIGKILL, started)
    return _ended(known, "exited", run_dir, ended["code"], ended["finished"])


def _ended(run: Run, state: Literal["exited", "lost"], run_dir: Path, code: int, finished: float) -> Run:
    error = run_dir / "error"
    why = error.read_text() if error.exists() else ""
    return replace(
        run,
        state=state,
        finished=finished,
        code=code,
        error=why,
        stopped=(run_dir / STOPPED).exists(),
        out_of_memory=(run_dir / OUT_OF_MEMORY).exists(),
    )


def _json(path: Path) -> Body | None:
    """What a shim has written; of a damaged file, that it was there, so that its attempt counts as lost."""
    try:
        found: Body = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        return _DAMAGED
    return found


def send(run: Run, number: signal.Signals) -> None:
    """Signal all processes of a container; nothing if its first one is gone."""
    pid, _, started = run.identity.partition("-")
    if run.pid and shim.start_time(int(pid)) == started:
        try:
            os.killpg(run.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def mark_stopped(folder: PodFolder, container: str, run: Run) -> None:
    """Remember that the node itself ends this attempt, because it stops."""
    (folder.attempts(container) / str(run.attempt) / STOPPED).touch()


def mark_out_of_memory(folder: PodFolder, container: str, run: Run) -> None:
    """Remember that the node ends this attempt, because it uses more memory than it may."""
    (folder.attempts(container) / str(run.attempt) / OUT_OF_MEMORY).touch()
