"""The kinds as JSON Schemas for editors and CI; ``python -m mlplane.schema`` writes them to ``schemas/``.

Pure. The same fields as in the CRDs, but closed: an unknown field is an error here, where an API server would
drop it with a warning.
"""

from typing import Any

from mlplane import names
from mlplane.api.meta import Body, Resource
from mlplane.api.planned import Plan
from mlplane.api.promotion import Promotion
from mlplane.capacity import Profile
from mlplane.schema.inlined import inlined_schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_MAP_OF_STRINGS: Body = {"type": "object", "additionalProperties": {"type": "string"}}


def json_schema_for(kind: type[Resource]) -> Body:
    """The JSON Schema (draft 2020-12) of a kind's manifest."""
    schema = inlined_schema(kind)
    properties = schema["properties"]
    return {
        "$schema": DIALECT,
        "$id": f"https://{names.GROUP}/schemas/{kind.__name__.lower()}.json",
        "title": kind.__name__,
        "description": schema["description"],
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": names.API_VERSION, "description": "API group and version of the kind."},
            "kind": {"const": kind.__name__, "description": "Kind of the object."},
            "metadata": _metadata(properties["metadata"]),
            "spec": _closed(properties["spec"]),
            "status": _closed(properties["status"]),
        },
        "additionalProperties": False,
    }


def promotion_schema() -> Body:
    """The JSON Schema of ``promotion.yaml``."""
    schema = _closed(inlined_schema(Promotion))
    return {
        "$schema": DIALECT,
        "$id": f"https://{names.GROUP}/schemas/promotion.json",
        "title": "Promotion",
        **schema,
    }


def profile_schema() -> Body:
    """The JSON Schema of an operator's profile."""
    return {
        "$schema": DIALECT,
        "$id": f"https://{names.GROUP}/schemas/profile.json",
        **Profile.model_json_schema(),
    }


def plan_schema() -> Body:
    """The JSON Schema of what ``mlplane plan --output json`` prints."""
    return {
        "$schema": DIALECT,
        "$id": f"https://{names.GROUP}/schemas/plan.json",
        **Plan.model_json_schema(),
    }


def _metadata(schema: Body) -> Body:
    """Metadata as a person writes it; the API server knows more fields, hence not closed."""
    return {
        "description": "Name, namespace, labels and annotations.",
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": schema["properties"]["name"] | {"description": "Name, unique for the kind."},
            "namespace": {"type": "string", "description": "Namespace; the environment it belongs to."},
            "labels": _MAP_OF_STRINGS | {"description": "Facts that objects are selected by."},
            "annotations": _MAP_OF_STRINGS | {"description": "Facts that nothing selects by."},
        },
    }


def _closed(node: Body) -> Body:
    result: dict[str, Any] = {
        key: value for key, value in node.items() if not key.startswith("x-kubernetes-")
    }
    if "x-kubernetes-int-or-string" in node:
        result["type"] = ["integer", "string"]
    for key in ("properties", "patternProperties"):
        if key in node:
            result[key] = {name: _closed(child) for name, child in node[key].items()}
            result["additionalProperties"] = False
    if "items" in node:
        result["items"] = _closed(node["items"])
    return result
