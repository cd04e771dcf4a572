"""Fields of the built-in kinds, all the way down, as OpenAPI schemas; for ``openapi``.

The names and types are those of the ``kubernetes`` package. That takes seconds to import, so they are kept in
a file, which ``python -m mlplane.local.apiserver.coremodels`` writes anew. What a field is for is said by
``builtinschemas``, for those that people write.
"""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mlplane.local.apiserver.builtinschemas import schema_for
from mlplane.local.apiserver.statuses import Body

FILE = Path(__file__).with_name("coremodels.json")
_PREFIX = "#/components/schemas/"
_MODEL = re.compile(r"[A-Z]\w*V\d\w*|V\d\w+")
_NESTED = re.compile(r"(list|dict)\[(?:str, )?(.+)\]")
_SCALARS: dict[str, Body] = {
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "int": {"type": "integer", "format": "int32"},
    "object": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "str": {"type": "string"},
}
_KINDS = (
    *("ConfigMap", "Namespace", "Node", "Pod", "Secret", "Service", "ServiceAccount", "Lease"),
    *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
)
ROOTS = {("", "Event"): "CoreV1Event", ("events.k8s.io", "Event"): "EventsV1Event"}
"""Group and kind of the kinds whose models are not called after the kind alone."""
_META = ("V1ObjectMeta",)
"""Models that every document has anyway."""

Models = dict[str, dict[str, str]]
"""Model to field to type, in the words of the ``kubernetes`` package."""


def root_of(group: str, kind: str) -> str:
    """The model of a kind; empty if there is none."""
    return ROOTS.get((group, kind)) or (f"V1{kind}" if kind in _KINDS else "")


def schemas_of(group: str, kind: str) -> dict[str, Body]:
    """The schemas of a kind and of all that is in it, by name; the kind's own is named like its model."""
    found: dict[str, Body] = {}
    _collect(root_of(group, kind), schema_for(kind), found)
    return found


def component(model: str) -> str:
    """The name under which a document has a model."""
    return f"io.k8s.api.core.v1.{model.replace('V1', '', 1)}"


def _collect(model: str, ours: Body, found: dict[str, Body]) -> None:
    described = ours.get("properties") or {}
    if model in found and not described:
        return
    properties = found.setdefault(model, {"type": "object", "properties": {}})["properties"]
    if text := ours.get("description"):
        found[model].setdefault("description", text)
    for field, kind in _load()[model].items():
        known = described.get(field) or {}
        schema = _schema(kind) | ({"description": known["description"]} if "description" in known else {})
        if known or field not in properties:
            properties[field] = schema
        for child in _MODEL.findall(kind):
            if child not in _META and (known or child not in found):
                _collect(child, known.get("items") or known, found)


def _schema(kind: str) -> Body:
    if nested := _NESTED.fullmatch(kind):
        outer, inner = nested.groups()
        if outer == "list":
            return {"type": "array", "items": _schema(inner)}
        return {"type": "object", "additionalProperties": _schema(inner)}
    if kind in _META:
        return {"allOf": [{"$ref": f"{_PREFIX}io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}]}
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    return {"allOf": [{"$ref": _PREFIX + component(kind)}]}


@cache
def _load() -> Models:
    models: Models = json.loads(FILE.read_bytes())
    return models


def models_of_package() -> Models:
    """The models that are in the kinds of this server, read from the ``kubernetes`` package."""
    from kubernetes.client import models

    found: Models = {}
    left = [*(f"V1{kind}" for kind in _KINDS), *ROOTS.values()]
    while left:
        name = left.pop()
        if name not in found:
            model = getattr(models, name)
            found[name] = {model.attribute_map[key]: kind for key, kind in model.openapi_types.items()}
            left += _children(found[name])
    return dict(sorted(found.items()))


def _children(fields: dict[str, str]) -> Iterator[str]:
    for kind in fields.values():
        yield from _MODEL.findall(kind)


def text_of_package() -> str:
    """What the file holds."""
    return json.dumps(models_of_package(), indent=0, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    FILE.write_text(text_of_package())
    sys.stdout.write(f"written: {FILE}\n")
