"""Versions of an API as Kubernetes orders them, and the warning of one that is deprecated. Pure."""

import re
from typing import Any

from mlplane.local.apiserver.statuses import Body

_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STAGES = {"alpha": 1, "beta": 2, None: 3}


def rank(version: str) -> tuple[int, int, int]:
    """Newer and more stable versions have higher ranks: v2, v1, v1beta2, v1alpha1, anything else."""
    found = _VERSION.fullmatch(version)
    if not found:
        return (0, 0, 0)
    major, stage, minor = found.groups()
    return (_STAGES[stage], int(major), int(minor or 0))


def deprecation(spec: Body, version: dict[str, Any]) -> str:
    """What clients of a version are told; empty if it is not deprecated."""
    if not version.get("deprecated"):
        return ""
    if told := version.get("deprecationWarning"):
        return str(told)
    group, kind, name = spec["group"], spec["names"]["kind"], version["name"]
    better = [
        each["name"]
        for each in spec["versions"]
        if each.get("served") and not each.get("deprecated") and rank(each["name"]) > rank(name)
    ]
    hint = f"; use {group}/{max(better, key=rank)} {kind}" if better else ""
    return f"{group}/{name} {kind} is deprecated{hint}"
