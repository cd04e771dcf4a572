"""Structural schemas of custom resources: what is pruned, defaulted and refused at a write.

The object layer compiles one Schema for each version of a CRD and calls prune, default and validate, in
this order, for every write. No method changes its argument: what stays the same is shared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlplane.body import Body
from mlplane.structural import celrules, embedded, listtypes, valuechecks
from mlplane.structural.causes import ROOT, Cause, invalid
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
    has_embedded: bool
    """Whether there are embedded resources in it."""

    @classmethod
    def compile(cls, openapi_v3_schema: Body) -> "Schema":
        """Compile ``spec.versions[].schema.openAPIV3Schema``.

        Raises:
            InvalidInput: A validation rule is no CEL; ``check_crd`` reports these as causes.
        """
        node = node_of(openapi_v3_schema)
        rules = celrules.compile_rules(openapi_v3_schema)
        return cls(replace(node, embedded=True), rules, node.has_embedded)

    def prune(self, obj: Body) -> tuple[Body, list[str]]:
        """The object without fields that the schema does not know, and the paths of those, sorted."""
        unknown: list[str] = []
        pruned: Body = prune(self.node, obj, (), unknown)
        return pruned, sorted(unknown)

    def default(self, obj: Body) -> Body:
        """The object with the schema's defaults; null where null is not allowed counts as absent."""
        defaulted: Body = fill(self.node, obj)
        return defaulted

    def coerce(self, obj: Body) -> tuple[Body, list[str]]:
        """The object with typed metadata of embedded resources, and the unknown fields of that, sorted.

        Raises:
            InvalidInput: Such metadata has the wrong type.
        """
        unknown: list[str] = []
        if self.has_embedded:
            obj = embedded.coerce(self.node, obj, (), unknown)
        return obj, sorted(unknown)

    def validate(
        self,
        obj: Body,
        old: Body | None = None,
        *,
        found: Sequence[Cause] = (),
        part: str = "",
        forgiven: list[Cause] | None = None,
    ) -> list[Cause]:
        """Everything that is wrong with an object.

        Args:
            obj: The object.
            old: The object before an update.
            found: What is known to be wrong already; it comes first.
            part: The field that alone is written, through a subresource of this name; empty for the object.
            forgiven: Gets the rules that what has not changed does not satisfy.
        """
        causes = list(found)
        if part:
            causes += self._part(obj, old, part)
        else:
            causes += valuechecks.check(self.node, obj, MISSING if old is None else old)
            causes += embedded.check(self.node, obj) if self.has_embedded else ()
        if old is None or not any(listtypes.check(self.node, old)):
            causes += listtypes.check(self.node, obj)
        if self.rules:
            if any(cause.reason in _BLOCKING for cause in causes):
                return [*causes, invalid("", None, _NOT_CHECKED)]
            causes += self.rules.check(obj, old, forgiven=forgiven)
        return causes

    def _part(self, obj: Body, old: Body | None, part: str) -> Iterator[Cause]:
        """What is wrong with one field, as if it were all; its messages do not name it."""
        node = self.node.properties.get(part)
        if node is None or part not in obj:
            return
        for cause in valuechecks.check(node, obj[part], (old or {}).get(part, MISSING)):
            yield replace(cause, field=part if cause.field == ROOT else f"{part}.{cause.field}")
