"""Runs one command and keeps what became of it: the parent of a container's process.

    python -S -E shim.py RUN_DIR LOG_FILE STDOUT_FILE COMMAND [ARGUMENT ...]

The node starts it and may die; the shim stays. RUN_DIR belongs to one attempt of one container:

    shim.json   {"pid", "started"}    written once: whoever links it first runs the attempt, others leave
    child.json  {"pid", "started"}    the command; its process group has the same number
    error       why the command could not be started
    exit.json   {"code", "finished"}  128 + N if signal N ended it; what it left behind was killed

STDOUT_FILE gets standard output alone, which is in LOG_FILE too; it is empty where nobody asks for it.

What a process inherits does not depend on who started the plane: a umask, no core dumps, and as many open
files as container runtimes allow at least.

Files appear whole or not at all. Needs the standard library only, and nothing of mlplane, so that it
starts in about 20 ms and holds little memory.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

NOT_STARTED = 128
"""Exit code of a container whose command could not be started, as container runtimes give it."""
UMASK = 0o022
OPEN_FILES = 65536
"""Files that a process may have open, unless the machine allows less."""
LAST_OUTPUT = 1.0
"""Seconds to wait for output of a process that has ended: another that it left may hold the pipe open."""
READY, GO = b"r", b"g"
"""What the child and the shim tell each other before the command begins."""


def start_time(pid: int) -> str | None:
    """Tells a process from a later one of the same number; None if there is none, or a zombie."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as boot, open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            # The command's name, in brackets, may hold anything: fields count from the last bracket.
            fields = stat.read().rpartition(")")[2].split()
            return None if fields[0] == "Z" else f"{boot.read().strip()}:{fields[19]}"
    except (FileNotFoundError, ProcessLookupError):
        return None if os.path.isdir("/proc/self") else _start_time_from_ps(pid)  # noqa: PTH112


def _start_time_from_ps(pid: int) -> str | None:
    """The same where there is no /proc, as on macOS."""
    command = ["/bin/ps", "-o", "state=,lstart=", "-p", str(pid)]
    words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
    return None if not words or words[0].startswith("Z") else " ".join(words[1:])


def write(path: str, content: dict[str, object]) -> None:
    """Write a file so that it appears whole."""
    partial = f"{path}.{os.getpid()}"
    with open(partial, "w") as file:  # noqa: PTH123
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())  # a file that is empty after a power cut would say nothing of a process
    os.replace(partial, path)  # noqa: PTH105


def claim(run_dir: str) -> bool:
    """Take the attempt; False if another shim has it."""
    path = os.path.join(run_dir, "shim.json")  # noqa: PTH118
    partial = f"{path}.{os.getpid()}"
    write(partial, {"pid": os.getpid(), "started": start_time(os.getpid())})
    try:
        os.link(partial, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(partial)  # noqa: PTH108
    return True


def _limit() -> None:
    """Set what a process inherits."""
    os.umask(UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    # macOS may allow less than its hard limit says.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def _become(command: list[str], log_file: str, run_dir: str, shim: socket.socket, pipe: int | None) -> None:
    """In the child: be ready for signals, wait until it is recorded, then be the command."""
    os.setsid()
    _limit()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    shim.send(READY)
    if shim.recv(1) != GO:
        os._exit(NOT_STARTED)  # the shim died first: what nobody knows of must not run
    log = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log if pipe is None else pipe, 1), (log, 2)):
        os.dup2(source, target)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        with open(os.path.join(run_dir, "error"), "w") as file:  # noqa: PTH118, PTH123
            file.write(f"exec {command[0]!r}: {error.strerror}")
        os._exit(NOT_STARTED)


def _copy(pipe: int, log_file: str, stdout_file: str) -> None:
    """Copy standard output to the log and to a file of its own."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    log, own = os.open(log_file, flags, 0o600), os.open(stdout_file, flags | os.O_TRUNC, 0o600)
    while data := os.read(pipe, 65536):
        for target in (log, own):
            rest = data
            while rest:
                rest = rest[os.write(target, rest) :]


def run(run_dir: str, log_file: str, stdout_file: str, command: list[str]) -> None:
    """Start the command, wait for its end, end what it has left behind, and record the exit code."""
    here, there = socket.socketpair()
    source, pipe = os.pipe() if stdout_file else (None, None)
    pid = os.fork()
    if pid == 0:
        here.close()
        _become(command, log_file, run_dir, there, pipe)
    there.close()
    copying = None
    if source is not None and pipe is not None:
        import threading  # most containers do without

        os.close(pipe)
        copying = threading.Thread(target=_copy, args=(source, log_file, stdout_file), daemon=True)
        copying.start()
    # Recorded only then: whoever reads it may signal the process group at once.
    here.recv(1)
    write(os.path.join(run_dir, "child.json"), {"pid": pid, "started": start_time(pid)})  # noqa: PTH118
    # If it was killed meanwhile there is nobody to tell.
    with contextlib.suppress(ConnectionError):
        here.send(GO)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # A container's processes end with its first one. If none is left, macOS says that it is not permitted.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if copying is not None:
        copying.join(LAST_OUTPUT)
    code = code if code >= 0 else 128 - code
    write(os.path.join(run_dir, "exit.json"), {"code": code, "finished": time.time()})  # noqa: PTH118


if __name__ == "__main__":
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Who stops a container signals the command, not the shim.
        signal.signal(ignored, signal.SIG_IGN)
    if claim(sys.argv[1]):
        run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
