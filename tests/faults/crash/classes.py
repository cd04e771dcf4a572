"""Which writes are alike: those of one process, with one verb, to one resource, that say the same. Pure.

A story has many writes that differ only in which of several like objects they are for, or in how far it has
come. The crash points at the first write of each class are tried before all others, then those at the last.
"""

import json
from collections.abc import Iterable
from typing import Any

from faults.proxy import Request


def class_of(request: Request) -> str:
    """Such as ``PATCH pods/status Running``."""
    parts = request.path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    if len(rest) > 2 and rest[0] == "namespaces":
        rest = rest[2:]
    resource = "/".join(part for part in (rest[0], *rest[2:]) if part)
    return " ".join(part for part in (request.method, resource, _said(request.body)) if part)


def _said(body: bytes) -> str:
    """The phase, or the conditions, that a body tells."""
    try:
        content: Any = json.loads(body)
        status: Any = content.get("status") or {}
        conditions = status.get("conditions") or ()
        told = sorted(f"{c['type']}={c['status']}:{c.get('reason', '')}" for c in conditions)
        return str(status.get("phase") or ",".join(told))
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""


def first_and_last(classes: Iterable[str]) -> tuple[list[int], list[int]]:
    """The numbers, from 1, of the first write of each class, and of the last."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, name in enumerate(classes, 1):
        first.setdefault(name, number)
        last[name] = number
    return sorted(first.values()), sorted(last.values())
