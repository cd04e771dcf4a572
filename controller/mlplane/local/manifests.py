"""The manifests of a cluster, as far as a laptop needs them: who the controller is and what it may do.

``bootstrap`` applies them. They come from ``manifests/``, which the package carries, so that the controller
has the same rights in both places.
"""

from pathlib import Path
from typing import Any

import yaml

import mlplane
from mlplane.api.meta import Body

_PACKAGE = Path(mlplane.__file__).parent
_KINDS = ("Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def system_manifests() -> list[Body]:
    """The system namespace, the controller's account in it, and its rights; the namespace first."""
    return _read("base")


def workspace_manifests(namespace: str) -> list[Body]:
    """The accounts that pods run as, and their rights, for a namespace in which people work."""
    bodies = _read("workspace")
    for body in bodies:
        body["metadata"]["namespace"] = namespace
        for subject in body.get("subjects") or ():
            subject["namespace"] = namespace
    return bodies


def _read(part: str) -> list[Body]:
    places = (_PACKAGE / "manifests", _PACKAGE.parents[1] / "manifests")
    folder = next(place for place in places if place.is_dir()) / part
    found: list[Any] = []
    for file in sorted(folder.glob("*.yaml")):
        found += yaml.safe_load_all(file.read_text())
    return sorted((b for b in found if b["kind"] in _KINDS), key=lambda body: _KINDS.index(body["kind"]))
