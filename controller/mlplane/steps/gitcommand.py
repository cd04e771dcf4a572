"""Running git: nothing of a repository runs, nobody is asked for a password, and failures are told apart.

Where a URL is really fetched from is git's own configuration (``GIT_CONFIG_GLOBAL``, insteadOf).
Called by ``steps.gitrepo``.
"""

import functools
import os
import re
import resource
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlplane.errors import SystemFault, Terminal, Transient

TIMEOUT = 900
"""Seconds for one git command."""
_PROTOCOLS = "https:http:ssh:git:file"
"""What a rewritten URL may use; not ``ext``, which runs a command."""
_KEPT = ("PATH", "HOME", "TMPDIR", "GIT_CONFIG_GLOBAL", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "SSL_CERT_FILE")
_PASSING = re.compile(
    r"could not resolve host|failed to connect|timed out|timeout|connection (refused|reset|closed)|early eof"
    r"|unexpected disconnect|temporary failure|network is unreachable|remote end hung up"
    r"|requested URL returned error: (429|5\d\d)",
    re.IGNORECASE,
)
"""What git says when the network or the server is to blame."""
_TOO_LARGE = re.compile(rf"died of signal {int(signal.SIGXFSZ)}|file too large", re.IGNORECASE)
_NOT_THERE = re.compile(r"not our ref|unadvertised object|couldn't find remote ref", re.IGNORECASE)


class CommitUnavailable(Terminal):
    """The server does not give this commit."""


class TooLarge(Terminal):
    """A file would become larger than allowed."""


def run_git(
    directory: Path,
    arguments: list[str],
    *,
    stdin: bytes = b"",
    stdout: int = subprocess.PIPE,
    settings: Mapping[str, str] | None = None,
    max_file: int | None = None,
) -> bytes:
    """Run git in a directory.

    Args:
        directory: Where to.
        arguments: Of git.
        stdin: Its input.
        stdout: File descriptor to write to; the answer is empty then.
        settings: Configuration, such as a header with a token; not seen in a list of processes.
        max_file: Bytes of the largest file that it may write; more end it.

    Returns:
        What it wrote.

    Raises:
        CommitUnavailable: a server does not give a commit by its id.
        TooLarge: it had to write a larger file.
        Terminal: git fails, or is not there.
        Transient: the network or the server fails, or it takes too long.
    """
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
    limit = None if max_file is None else functools.partial(_limit_files, max_file)
    try:
        done = subprocess.run(
            command, cwd=directory, env=_environment(settings or {}), preexec_fn=limit,
            input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise SystemFault("git is not installed in this image") from error
    except subprocess.TimeoutExpired as error:
        raise Transient(f"git {arguments[0]} took more than {TIMEOUT} seconds") from error
    if not done.returncode:
        return done.stdout or b""
    said = done.stderr.decode(errors="replace")
    if max_file is not None and (done.returncode == -signal.SIGXFSZ or _TOO_LARGE.search(said)):
        raise TooLarge(f"git {arguments[0]} would write more than {max_file} bytes")
    raise failure_of(arguments[0], said)


def failure_of(command: str, said: str) -> Terminal | Transient:
    """The error that git's words mean, without user names and passwords that a rewritten URL may hold."""
    text = re.sub(r"://[^/\s]+@", "://", said.strip())[-1000:].replace("\n", "; ")
    message = f"git {command} failed: {text}"
    if _PASSING.search(said):
        return Transient(message)
    return CommitUnavailable(message) if _NOT_THERE.search(said) else Terminal(message)


def _limit_files(size: int) -> None:
    """Runs between fork and exec, with a limit that git's own children inherit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    given = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings.items()):
        given |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return (
        kept
        | given
        | {
            "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "LC_ALL": "C",
        }
    )
