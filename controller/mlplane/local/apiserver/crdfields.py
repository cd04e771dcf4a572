"""The fields that versions of a CustomResourceDefinition can have, schemas included. ``decoding`` asks.

Schemas are within schemas, which the shapes of the built-in kinds cannot say.
"""

from typing import Any

from mlplane.local.apiserver.statuses import Body
from mlplane.structural import causes
from mlplane.structural.causes import Path

_SCHEMA = frozenset(
    [
        "$ref",
        "$schema",
        "additionalItems",
        "default",
        "definitions",
        "dependencies",
        "description",
        "enum",
        "example",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "externalDocs",
        "format",
        "id",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "nullable",
        "pattern",
        "patternProperties",
        "required",
        "title",
        "type",
        "uniqueItems",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
    ]
)
"""Fields of a schema that hold no schema."""
_OPEN = frozenset(("additionalProperties", "items"))
"""What the real server does not look into: both may be something else than a schema."""
_LISTS = frozenset(("allOf", "anyOf", "oneOf"))
_RULE = frozenset(["fieldPath", "message", "messageExpression", "optionalOldSelf", "reason", "rule"])
_VERSION = frozenset(
    [
        "additionalPrinterColumns",
        "deprecated",
        "deprecationWarning",
        "name",
        "schema",
        "selectableFields",
        "served",
        "storage",
        "subresources",
    ]
)
_COLUMN = frozenset(["description", "format", "jsonPath", "name", "priority", "type"])
_SCALE = frozenset(["labelSelectorPath", "specReplicasPath", "statusReplicasPath"])


def pruned(crd: Body) -> tuple[Body, list[str]]:
    """A definition without fields of its versions that there are not, and the paths of those."""
    unknown: list[str] = []
    spec = crd.get("spec")
    versions = spec.get("versions") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(versions, list):
        return crd, []
    path: Path = (((), "spec"), "versions")
    kept = [_version(each, (path, index), unknown) for index, each in enumerate(versions)]
    return {**crd, "spec": {**spec, "versions": kept}}, unknown


def _known(value: Body, allowed: frozenset[str], path: Path, unknown: list[str]) -> Body:
    unknown += [causes.dotted((path, key)) for key in value if key not in allowed]
    return {key: item for key, item in value.items() if key in allowed}


def _version(version: Any, path: Path, unknown: list[str]) -> Any:
    if not isinstance(version, dict):
        return version
    kept = _known(version, _VERSION, path, unknown)
    if isinstance(columns := kept.get("additionalPrinterColumns"), list):
        kept["additionalPrinterColumns"] = [
            _known(each, _COLUMN, ((path, "additionalPrinterColumns"), index), unknown)
            for index, each in enumerate(columns)
            if isinstance(each, dict)
        ]
    if isinstance(parts := kept.get("subresources"), dict):
        parts = kept["subresources"] = _known(
            parts, frozenset(("scale", "status")), (path, "subresources"), unknown
        )
        if isinstance(scale := parts.get("scale"), dict):
            parts["scale"] = _known(scale, _SCALE, ((path, "subresources"), "scale"), unknown)
    if isinstance(holder := kept.get("schema"), dict):
        holder = kept["schema"] = _known(holder, frozenset(("openAPIV3Schema",)), (path, "schema"), unknown)
        if "openAPIV3Schema" in holder:
            where = ((path, "schema"), "openAPIV3Schema")
            holder["openAPIV3Schema"] = _schema(holder["openAPIV3Schema"], where, unknown)
    return kept


def _schema(schema: Any, path: Path, unknown: list[str]) -> Any:
    if not isinstance(schema, dict):
        return schema
    kept: Body = {}
    for key, value in schema.items():
        below = (path, key)
        if key in _OPEN:
            kept[key] = _schema(value, below, [])
        elif key == "not":
            kept[key] = _schema(value, below, unknown)
        elif key == "properties" and isinstance(value, dict):
            kept[key] = {name: _schema(each, (below, name), unknown) for name, each in value.items()}
        elif key in _LISTS and isinstance(value, list):
            kept[key] = [_schema(each, (below, index), unknown) for index, each in enumerate(value)]
        elif key == "x-kubernetes-validations" and isinstance(value, list):
            kept[key] = [_known(each, _RULE, (below, index), unknown) for index, each in enumerate(value)]
        elif key in _SCHEMA:
            kept[key] = value
        else:
            unknown.append(causes.dotted(below))
    return kept
