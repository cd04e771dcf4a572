"""Running git: nothing of a repository runs, nobody is asked for a password, and failures are told apart.

Where a URL is really fetched from is git's own configuration (``GIT_CONFIG_GLOBAL``, insteadOf).
Called by ``steps.gitrepo``.
"""

import os
import re
import subprocess
from pathlib import Path

from mlplane.errors import Terminal, Transient

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
_NOT_THERE = re.compile(r"not our ref|unadvertised object|couldn't find remote ref", re.IGNORECASE)


class CommitUnavailable(Terminal):
    """The server does not give this commit."""


def run_git(
    directory: Path, arguments: list[str], *, stdin: bytes = b"", stdout: int = subprocess.PIPE
) -> bytes:
    """Run git in a directory.

    Args:
        directory: Where to.
        arguments: Of git.
        stdin: What it reads.
        stdout: File descriptor that it writes to; the answer is empty then.

    Returns:
        What it wrote.

    Raises:
        CommitUnavailable: a server does not give a commit by its id.
        Terminal: git fails, or is not there.
        Transient: the network or the server fails, or it takes too long.
    """
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=directory,
            env=_environment(),
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError as error:
        raise Terminal("git is not installed in this image") from error
    except subprocess.TimeoutExpired as error:
        raise Transient(f"git {arguments[0]} took more than {TIMEOUT} seconds") from error
    if done.returncode:
        raise failure_of(arguments[0], done.stderr.decode(errors="replace"))
    return done.stdout or b""


def failure_of(command: str, said: str) -> Terminal | Transient:
    """The error that git's words mean, without user names and passwords that a rewritten URL may hold."""
    text = re.sub(r"://[^/\s]+@", "://", said.strip())[-1000:].replace("\n", "; ")
    message = f"git {command} failed: {text}"
    if _PASSING.search(said):
        return Transient(message)
    return CommitUnavailable(message) if _NOT_THERE.search(said) else Terminal(message)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
