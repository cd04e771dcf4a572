"""Structural schemas of custom resources: what is pruned, defaulted and refused at a write.

The object layer compiles one Schema for each version of a CRD and calls prune, default and validate, in
this order, for every write. No method changes its argument: what stays the same is shared.
"""

from dataclasses import dataclass, replace
from typing import Any

from mlplane.api.meta import Body
from mlplane.structural import celrules, listtypes, valuechecks
from mlplane.structural.causes import Cause, Path, invalid
from mlplane.structural.defaulting import fill
from mlplane.structural.nodes import MISSING, Node, node_of
from mlplane.structural.pruning import prune

_BLOCKING = frozenset(
    (
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    )
)
_NOT_CHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


@dataclass(frozen=True, slots=True)
class Schema:
    """The compiled schema of one version of a custom resource."""

    node: Node
    rules: celrules.Rules

    @classmethod
    def compile(cls, openapi_v3_schema: Body) -> "Schema":
        """Compile ``spec.versions[].schema.openAPIV3Schema``.

        Raises:
            InvalidInput: A validation rule is no CEL; ``check_crd`` reports these as causes.
        """
        root = replace(node_of(openapi_v3_schema), embedded=True)
        return cls(root, celrules.compile_rules(openapi_v3_schema))

    def prune(self, obj: Body) -> tuple[Body, list[str]]:
        """The object without fields that the schema does not know, and the paths of those, sorted."""
        unknown: list[str] = []
        pruned: Body = prune(self.node, obj, (), unknown)
        return pruned, sorted(unknown)

    def default(self, obj: Body) -> Body:
        """The object with the schema's defaults; null where null is not allowed counts as absent."""
        defaulted: Body = fill(self.node, obj)
        return defaulted

    def validate(self, obj: Body, old: Body | None = None) -> list[Cause]:
        """Everything that is wrong with an object; ``old`` is the object before an update."""
        before = MISSING if old is None else old
        found = list(valuechecks.check(self.node, obj, before))
        found += _embedded(self.node, obj, ())
        if old is None or not any(listtypes.check(self.node, old)):
            found += listtypes.check(self.node, obj)
        if self.rules:
            if any(cause.reason in _BLOCKING for cause in found):
                return [*found, invalid("", None, _NOT_CHECKED)]
            found += self.rules.check(obj, old)
        return found


def _embedded(node: Node, value: Any, path: Path) -> list[Cause]:
    """Embedded resources without a type."""
    found: list[Cause] = []
    if isinstance(value, dict):
        if node.embedded:
            found += valuechecks.untyped(value, path)
        for key, item in value.items():
            if isinstance(item, dict | list) and (child := node.child(key)) is not None:
                found += _embedded(child, item, (path, key))
    elif isinstance(value, list) and node.items is not None:
        for index, item in enumerate(value):
            found += _embedded(node.items, item, (path, index))
    return found
