"""Judging every connection of this process at the moment it is made, whichever library makes it.

Who checks a name and connects later can be led elsewhere: by a name that means another address now, by a
redirect, by a region that a server names, by the address of a token server in a key file. Python raises the
audit event ``socket.connect`` with the very address that is connected to (PEP 578), and an exception in a
hook prevents it. Programs that this one starts are beyond it: ``gitfiles`` tells git the address instead.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from mlplane.steps.sources.policy import Policy, Refused

_active: list["_Guard"] = []


class _Blocked(Refused, OSError):
    """What a library takes for a connection that failed, and cleans up after."""


class _Guard:
    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.refusal: Refused | None = None

    def check(self, address: Any) -> None:
        """Judge a socket's address: ``(host, port, …)``, or the path of a local socket."""
        if not isinstance(address, tuple):
            return
        host, port = str(address[0]).partition("%")[0], int(address[1])
        try:
            self.policy.check_address(host, port)
        except ValueError:
            self.refusal = Refused(f"{host} is refused: it was not resolved to an address first")
        except Refused as refusal:
            self.refusal = refusal
        else:
            return
        raise _Blocked(str(self.refusal))


@contextmanager
def guarded(policy: Policy) -> Iterator[None]:
    """While the context lasts, no connection is made to an address that the policy forbids.

    Raises:
        Refused: one was tried, whatever the library that tried it made of that.
    """
    _install()
    guard = _Guard(policy)
    _active.append(guard)
    try:
        yield
    except Exception as error:
        if guard.refusal is not None:
            raise guard.refusal from error
        raise
    finally:
        _active.remove(guard)


def was_refused(error: BaseException | None) -> bool:
    """Whether an error goes back to a connection that was not allowed."""
    while error is not None and not isinstance(error, Refused):
        error = error.__cause__ or error.__context__
    return error is not None


@cache
def _install() -> None:
    """A hook stays for the life of the process; without an active guard it does nothing."""
    sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for guard in tuple(_active):
            guard.check(arguments[1])
