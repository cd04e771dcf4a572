"""The kinds as CustomResourceDefinitions; ``python -m mlplane.schema`` writes them to ``crds/``. Pure.

Hard rules are structural schema and CEL, so that they hold with no webhook and show in
``kubectl apply --dry-run=server``.
"""

from mlplane import names
from mlplane.api.meta import Body, Column, Resource
from mlplane.schema.inlined import inlined_schema
from mlplane.structural.celrules import RULES

_SERVER_FIELDS: Body = {
    "apiVersion": {"type": "string", "description": "API group and version of the kind."},
    "kind": {"type": "string", "description": "Kind of the object."},
}


def crd_for(kind: type[Resource]) -> Body:
    """The CustomResourceDefinition of a kind."""
    name = kind.__name__
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.PLURAL}.{names.GROUP}"},
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": name,
                "listKind": f"{name}List",
                "plural": kind.PLURAL,
                "singular": name.lower(),
                "shortNames": [kind.SHORT_NAME],
                "categories": [names.CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": structural_schema(kind)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [printer_column(column) for column in kind.COLUMNS],
                }
            ],
        },
    }


def structural_schema(kind: type[Resource]) -> Body:
    """The OpenAPI v3 schema of a kind as Kubernetes wants it."""
    schema = inlined_schema(kind)
    properties = schema["properties"]
    # An API server has its own rules for metadata: a CRD may only add to those of the name.
    metadata = {"type": "object", "properties": {"name": properties["metadata"]["properties"]["name"]}}
    root: Body = {
        "description": schema["description"],
        "type": "object",
        "required": ["spec"],
        "properties": _SERVER_FIELDS
        | {"metadata": metadata}
        | {name: _structural(properties[name]) for name in ("spec", "status")},
    }
    if kind.RULES:
        root[RULES] = [{"rule": rule, "message": message} for rule, message in kind.RULES]
    return root


def printer_column(column: Column) -> Body:
    """A column of ``kubectl get``."""
    wide = {"priority": column.priority} if column.priority else {}
    return {"name": column.name, "type": column.type, "jsonPath": column.json_path} | wide


def _structural(node: Body) -> Body:
    """Properties stay in the order of the model, so that conditions come first in a status."""
    result = {key: value for key, value in node.items() if key not in ("patternProperties", "propertyNames")}
    if "x-kubernetes-int-or-string" in node:
        result["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if node.get("type") == "integer":
        result["format"] = "int64"
    if "patternProperties" in node:
        result |= _map(node)
    if "properties" in node:
        result["properties"] = {name: _structural(child) for name, child in node["properties"].items()}
    if "items" in node:
        result["items"] = _structural(node["items"])
    return _ordered(result)


def _map(node: Body) -> Body:
    """A map whose keys have a pattern, which only CEL can express."""
    ((pattern, values),) = node["patternProperties"].items()
    length = node["propertyNames"]["maxLength"]
    rule = f"self.all(key, key.size() <= {length} && key.matches('{pattern}'))"
    message = f"names must match {pattern} and have at most {length} characters"
    return {
        "additionalProperties": _structural(values),
        RULES: [*node.get(RULES, ()), {"rule": rule, "message": message}],
    }


def _ordered(node: Body) -> Body:
    """What a person looks for first, first; the rules of an object after its fields."""
    first = ("description", "type", "format", "enum")
    last = ("required", "properties", "additionalProperties", "items", RULES)
    middle = [key for key in node if key not in first and key not in last]
    return {key: node[key] for key in (*first, *middle, *last) if key in node}
