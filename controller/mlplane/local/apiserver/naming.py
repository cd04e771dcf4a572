"""Rules for the names of objects, and for the rest of their metadata. Pure."""

import re
from typing import Any

from mlplane.local.apiserver.registry import Resource
from mlplane.local.apiserver.statuses import Cause
from mlplane.structural import causes, metarules

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def problems(resource: Resource, meta: dict[str, Any]) -> list[Cause]:
    """What is wrong with names, labels, annotations, finalizers, owners and managers."""
    return [*_name_problems(resource, meta), *metarules.problems(meta, "metadata")]


def _name_problems(resource: Resource, meta: dict[str, Any]) -> list[Cause]:
    found: list[Cause] = []
    if base := meta.get("generateName"):
        # A suffix follows, so a dash at the end is fine.
        masked = f"{base[:-2]}a" if len(base) > 1 and base.endswith("-") else base
        found += _named(resource, "metadata.generateName", masked, base)
    if name := meta.get("name"):
        return found + _named(resource, "metadata.name", name, name)
    return [*found, causes.required("metadata.name", "name or generateName is required")]


def _named(resource: Resource, field: str, name: str, shown: str) -> list[Cause]:
    if resource.group == "rbac.authorization.k8s.io" or (resource.kind == "Event" and not resource.custom):
        rule = path_segment_problem(name)
        return [causes.invalid(field, shown, rule)] if rule else []
    label = resource.kind in ("Namespace", "Service") and not resource.custom
    limit, pattern = (63, _LABEL) if label else (253, _SUBDOMAIN)
    rule = metarules.LABEL_RULE if label else metarules.SUBDOMAIN_RULE
    if len(name) > limit:
        rule = f"must be no more than {limit} characters"
    elif pattern.fullmatch(name):
        return []
    return [causes.invalid(field, shown, rule)]


def path_segment_problem(name: str) -> str:
    """Why a name cannot be a part of a path; empty if it can. Roles have such names."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    return next((f"may not contain '{mark}'" for mark in "/%" if mark in name), "")


def subdomain_problem(name: str) -> str:
    """Why a name is no DNS subdomain; empty if it is one."""
    return "" if _SUBDOMAIN.fullmatch(name) else metarules.SUBDOMAIN_RULE
