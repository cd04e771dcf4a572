"""A cell of the matrix: what is set up, what is done, and which objects are looked at afterwards.

Cells are written in ``cells/*.yaml``, one file per group; docs/reference/conformance.md says how. This module
reads them and makes Kubernetes manifests of their short form.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Body = dict[str, Any]

HERE = Path(__file__).parent
CLIENTS = ("kubectl", "python", "kopf", "http")
_CLIENTS = {"kubectl": "kubectl", "python": "python", "dynamic": "python", "http": "http"}
"""Who acts, by the keys of the steps; the first that is there."""


@dataclass(frozen=True)
class Kind:
    """Where the objects of a kind are."""

    api_version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str) -> str:
        """The path of the collection, in a namespace if the kind has one."""
        root = "/api/" if "/" not in self.api_version else "/apis/"
        inner = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}{self.api_version}{inner}/{self.plural}"


_RBAC = "rbac.authorization.k8s.io/v1"
KINDS = {
    "Lamp": Kind("matrix.example.com/v1", "lamps"),
    "Brick": Kind("matrix.example.com/v1", "bricks"),
    "Board": Kind("matrix.example.com/v1", "boards", namespaced=False),
    "Chore": Kind("matrix.example.com/v1", "chores"),
    "Comeback": Kind("back.matrix.example.com/v1", "comebacks"),
    "ConfigMap": Kind("v1", "configmaps"),
    "Secret": Kind("v1", "secrets"),
    "Event": Kind("v1", "events"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "Pod": Kind("v1", "pods"),
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "Lease": Kind("coordination.k8s.io/v1", "leases"),
    "Role": Kind(_RBAC, "roles"),
    "RoleBinding": Kind(_RBAC, "rolebindings"),
    "ClusterRole": Kind(_RBAC, "clusterroles", namespaced=False),
    "ClusterRoleBinding": Kind(_RBAC, "clusterrolebindings", namespaced=False),
    "CustomResourceDefinition": Kind(
        "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False
    ),
}
PLURALS = {kind.plural: (name, kind) for name, kind in KINDS.items()}

_METADATA = (
    "name",
    "generateName",
    "namespace",
    "labels",
    "annotations",
    "finalizers",
    "ownerReferences",
    "resourceVersion",
    "uid",
)


@dataclass(frozen=True)
class Cell:
    """One line of the matrix, as ``cells/*.yaml`` says it."""

    name: str
    group: str
    """The file it is in, and the file of its recording."""
    verb: str
    option: str
    steps: list[Body]
    given: list[Body] = field(default_factory=list)
    look: tuple[str, ...] = ("lamps",)
    """Plurals of the kinds whose objects are compared before and after."""
    core: bool = False
    """Whether it is about a built-in kind."""
    client: str = ""
    """Who acts; by default what the steps say."""


def manifest(short: Body) -> Body:
    """A manifest from its short form: ``{kind: Lamp, name: a, spec: …}``.

    What has an apiVersion, a metadata or no kind is taken as it is.
    """
    kind = KINDS.get(short.get("kind", ""))
    if kind is None or "metadata" in short or "apiVersion" in short:
        return short
    metadata = {key: short[key] for key in _METADATA if key in short}
    rest = {k: v for k, v in short.items() if k not in _METADATA and k != "kind"}
    return {"apiVersion": kind.api_version, "kind": short["kind"], "metadata": metadata, **rest}


def _cell(group: str, entry: Body) -> Cell:
    entry = dict(entry)
    steps = entry["steps"]
    client = next((client for key, client in _CLIENTS.items() for step in steps if key in step), "http")
    cell = Cell(
        name=entry.pop("cell"),
        group=group,
        look=tuple(entry.pop("look", ("lamps",))),
        client=entry.pop("client", client),
        **entry,
    )
    assert cell.client in CLIENTS, f"{cell.name}: client {cell.client!r}; known: {CLIENTS}"
    return cell


def cells() -> list[Cell]:
    """All cells, in the order of their files."""
    found = [
        _cell(path.stem, entry)
        for path in sorted((HERE / "cells").glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text()) or []
    ]
    names = [cell.name for cell in found]
    assert len(names) == len(set(names)), sorted({n for n in names if names.count(n) > 1})
    return found
