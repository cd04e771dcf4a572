"""The rules that every CRD of ours keeps (Kubernetes API conventions), checked by machine. Pure.

The tests run it over all kinds; the list of exceptions is empty.
"""

from collections.abc import Callable, Iterator

from mlplane.api.meta import Body
from mlplane.structural import celbudgets

Nodes = Iterator[tuple[str, Body]]


def lint(crd: Body) -> list[str]:
    """What is wrong with a CRD: one sentence for each finding, which starts with the path of the field."""
    findings: list[str] = []
    for version in crd["spec"]["versions"]:
        findings += _version_findings(version)
        schema = version["schema"]["openAPIV3Schema"]
        findings += _status_findings(schema)
        findings += [f"{cause.field}: {cause.message}" for cause in celbudgets.problems(schema, "schema")]
        for path, node in walk(schema):
            findings += [f"{path}: {text}" for check in NODE_CHECKS for text in check(node)]
    return findings


def walk(node: Body, path: str = "") -> Nodes:
    """Every node of a structural schema below its root with its path, such as ``.spec.gates[].min``."""
    for name, child in (node.get("properties") or {}).items():
        if not path and name in ("apiVersion", "kind", "metadata"):
            continue
        yield f"{path}.{name}", child
        yield from walk(child, f"{path}.{name}")
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(child := node.get(key), dict):
            yield f"{path}{mark}", child
            yield from walk(child, f"{path}{mark}")


def _version_findings(version: Body) -> Iterator[str]:
    if "status" not in version.get("subresources", {}):
        yield ".status: must be a subresource, or whoever may write the spec may write the status"
    columns = {column["name"]: column for column in version.get("additionalPrinterColumns", ())}
    for name in ("Ready", "Age"):
        if name not in columns:
            yield f"additionalPrinterColumns: the column {name} is missing"
    if not version["schema"]["openAPIV3Schema"].get("description"):
        yield ".: has no description"


def _status_findings(schema: Body) -> Iterator[str]:
    status = schema["properties"].get("status", {}).get("properties", {})
    if next(iter(status), None) != "conditions":
        yield ".status.conditions: must be the first field of the status"
    conditions = status.get("conditions", {})
    if conditions.get("x-kubernetes-list-map-keys") != ["type"]:
        yield ".status.conditions: must be a list-map by type"
    if "observedGeneration" not in status:
        yield ".status.observedGeneration: is missing"
    if "phase" in status:
        yield ".status.phase: must not exist; conditions say more and can be extended"


def _is_described(node: Body) -> Iterator[str]:
    if not node.get("description") and ("properties" in node or "items" in node):
        yield "has no description"


def _fields_are_described(node: Body) -> Iterator[str]:
    for name, child in (node.get("properties") or {}).items():
        if not child.get("description"):
            yield f"its field {name} has no description"


def _third_state_is_possible(node: Body) -> Iterator[str]:
    """But for the name that a Job has for it, which other tools know."""
    for name, child in (node.get("properties") or {}).items():
        if child.get("type") == "boolean" and name != "suspend":
            yield f"its field {name} is a boolean; an enum leaves room for a third state"


def _type_is_allowed(node: Body) -> Iterator[str]:
    if node.get("type") == "number":
        yield "is a float; a decimal string survives every client"
    if "type" not in node and not node.get("x-kubernetes-int-or-string"):
        yield "has no type"


def _is_bounded(node: Body) -> Iterator[str]:
    for type_, bound in (("array", "maxItems"), ("string", "maxLength")):
        if node.get("type") == type_ and bound not in node and "enum" not in node:
            yield f"has no {bound}"
    if node.get("x-kubernetes-int-or-string") and "maxLength" not in node:
        yield "has no maxLength"
    if "additionalProperties" in node and "maxProperties" not in node:
        yield "has no maxProperties"


def _list_has_a_type(node: Body) -> Iterator[str]:
    if node.get("type") == "array" and "x-kubernetes-list-type" not in node:
        yield "has no x-kubernetes-list-type"


def _nothing_is_open(node: Body) -> Iterator[str]:
    if node.get("x-kubernetes-preserve-unknown-fields"):
        yield "keeps unknown fields"
    if node.get("type") == "object" and not node.keys() & {"properties", "additionalProperties"}:
        yield "is an object without fields"


def _nothing_is_defaulted(node: Body) -> Iterator[str]:
    """An optional field has no default either: the controller never defaults a spec on the server."""
    for name, child in (node.get("properties") or {}).items():
        if "default" in child:
            both = " and required" if name in node.get("required", ()) else ""
            yield f"its field {name} is defaulted{both}; spec is only what people wrote"


def _rules_have_messages(node: Body) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        if not rule.get("message"):
            yield f"its rule {rule['rule']} has no message"


NODE_CHECKS: tuple[Callable[[Body], Iterator[str]], ...] = (
    _fields_are_described,
    _is_described,
    _type_is_allowed,
    _third_state_is_possible,
    _is_bounded,
    _list_has_a_type,
    _nothing_is_open,
    _nothing_is_defaulted,
    _rules_have_messages,
)
