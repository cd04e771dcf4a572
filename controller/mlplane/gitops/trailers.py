"""What a promotion says of itself in its commit, for programs: trailers, which ``git log`` can search. Pure.

Read anywhere in a message, for a forge that squashes a pull request moves them; and with any line ends, for
a message that was typed into a web page may have those of another system. Called by
``gitops.promotion`` and ``gitops.pinhistory``.
"""

import re
from collections.abc import Iterable, Mapping

ENVIRONMENT = "Mlplane-Environment"
SERVER = "Mlplane-Server"
MODEL = "Mlplane-Model"
VERSION = "Mlplane-Version"
DIGEST = "Mlplane-Digest"
SUPERSEDES = "Mlplane-Supersedes"
"""Digest that was served before; none, if none was."""
FROM = "Mlplane-From"
DATA = "Mlplane-Data"
CODE = "Mlplane-Code"
EVALUATION = "Mlplane-Evaluation"
"""Name, verdict and report of an Evaluation."""
ROLLBACK = "Mlplane-Rollback"
"""Digest that is taken back."""
PRUNE = "Mlplane-Prune"
"""With the value ``confirmed``: most of an environment may be deleted."""
REWIND = "Mlplane-Rewind"
"""Id of the commit that was applied, which may be left for another history."""
RE_PROMOTE = "Re-promote"
"""Digest that a person lets be promoted again after it was taken back."""

_TRAILER = re.compile(rf"^(Mlplane-[A-Z][A-Za-z-]*|{RE_PROMOTE}): *(\S.*?)[ \r]*$", re.MULTILINE)


def block(pairs: Iterable[tuple[str, str]]) -> str:
    """The last paragraph of a message; empty values are left out."""
    return "".join(f"{name}: {value}\n" for name, value in pairs if value)


def read(message: str) -> Mapping[str, tuple[str, ...]]:
    """The values of each trailer in a message, in their order."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _TRAILER.findall(message):
        found[name] = (*found.get(name, ()), value)
    return found
