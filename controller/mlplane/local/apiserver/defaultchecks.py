"""Whether the defaults of a CRD's schema fit the schema. ``schemachecks`` calls ``check_defaults``."""

from collections.abc import Iterator
from dataclasses import replace

from mlplane.errors import InvalidInput
from mlplane.local.apiserver.statuses import Body, Cause
from mlplane.structural import causes, celrules, embedded, valuechecks
from mlplane.structural.nodes import MISSING, Node, node_of
from mlplane.structural.pruning import prune


def check_defaults(schema: Body, path: str, *, root: bool = False) -> Iterator[Cause]:
    """What is wrong with the defaults of a structural schema, at a level and below.

    Args:
        schema: The level.
        path: Where it stands.
        root: Whether it is the schema of the whole object.
    """
    if schema.get("default") is not None:
        yield from _check(
            {**schema, **({"x-kubernetes-embedded-resource": True} if root else {})}, f"{path}.default"
        )
    if isinstance(items := schema.get("items"), dict):
        yield from check_defaults(items, f"{path}.items")
    for name, child in (schema.get("properties") or {}).items():
        yield from check_defaults(child, f"{path}.properties[{name}]")
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from check_defaults(values, f"{path}.additionalProperties")


def _check(schema: Body, where: str) -> Iterator[Cause]:
    node, default = node_of(schema), schema["default"]
    unknown: list[str] = []
    prune(node, default, (), unknown)
    if unknown:
        yield causes.invalid(where, default, "must not have unknown fields")
    found = list(_placed(_resources(node, default), where)) or list(
        _placed(valuechecks.check(node, default, MISSING), where)
    )
    yield from found
    if not found and not unknown:
        yield from _placed(_rules(schema, default), where)


def _resources(node: Node, default: object) -> list[Cause]:
    if not node.has_embedded:
        return []
    top = replace(Node(type="object"), properties={"default": node}, has_embedded=True)
    return [
        replace(each, field=each.field.removeprefix("default").removeprefix("."))
        for each in embedded.check(top, {"default": default})
    ]


def _rules(schema: Body, default: object) -> list[Cause]:
    try:
        rules = celrules.compile_rules(schema)
    except InvalidInput:
        return []  # reported with the rule
    return list(rules.check(default, default)) or list(rules.check(default, None))


def _placed(found: Iterator[Cause] | list[Cause], where: str) -> Iterator[Cause]:
    for cause in found:
        below = "" if cause.field in ("", causes.ROOT) else cause.field
        joint = "" if not below or below.startswith("[") else "."
        yield (
            replace(cause, field=f"{where}{joint}{below}")
            if cause.field != causes.ROOT or not below
            else cause
        )
