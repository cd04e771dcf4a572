"""The CEL rules of a CRD (``x-kubernetes-validations``) judged offline, for one manifest at a time.

``gitops.validate`` calls it, so that a commit meets the rules before an API server does. There is no object
from before, so rules that speak of ``oldSelf`` say nothing here. The rules run on Google's cel-cpp, without
the type checks and cost limits of a real API server: those judge when the CRDs are installed.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cel_expr_python import cel

from mlplane.api.meta import Body
from mlplane.errors import InvalidInput

Path = tuple[str | int, ...]
"""Where a value stands in an object: names of properties and indices of lists."""

RULES = "x-kubernetes-validations"
_OLD = re.compile(r"\boldSelf\b")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold: where, and what the CRD says about it."""

    path: Path
    message: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    expression: str
    message: str
    program: Any


@dataclass(frozen=True, slots=True)
class RuleTree:
    """The rules of a schema in the shape of the schema; branches without rules are left out."""

    rules: tuple[Rule, ...] = ()
    properties: dict[str, "RuleTree"] = field(default_factory=dict)
    values: "RuleTree | None" = None
    """Of each value of a map."""
    items: "RuleTree | None" = None

    def __bool__(self) -> bool:
        """Whether there is any rule here or below."""
        return bool(self.rules or self.properties or self.values or self.items)


def rules_of(schema: Body) -> RuleTree:
    """Compile every rule of a structural schema that can be judged without an older object.

    Raises:
        InvalidInput: A rule is not valid CEL; the text shows the rule and the place in it.
    """
    below = {name: rules_of(child) for name, child in (schema.get("properties") or {}).items()}
    values, items = schema.get("additionalProperties"), schema.get("items")
    return RuleTree(
        rules=tuple(_compiled(entry) for entry in schema.get(RULES) or () if not _OLD.search(entry["rule"])),
        properties={name: tree for name, tree in below.items() if tree},
        values=(rules_of(values) or None) if isinstance(values, dict) else None,
        items=(rules_of(items) or None) if isinstance(items, dict) else None,
    )


def violations(tree: RuleTree, value: Any, path: Path = ()) -> Iterator[Violation]:
    """Every rule that does not hold for a value that already satisfies the schema.

    Args:
        tree: What ``rules_of`` made of the schema.
        value: The value, as JSON.
        path: Where the value stands in its object.
    """
    if value is None:
        return
    for rule in tree.rules:
        if message := _broken(rule, value):
            yield Violation(path, message)
    if isinstance(value, dict):
        for key, child in value.items():
            if (below := tree.properties.get(key, tree.values)) is not None:
                yield from violations(below, child, (*path, key))
    elif isinstance(value, list) and tree.items is not None:
        for index, item in enumerate(value):
            yield from violations(tree.items, item, (*path, index))


def _broken(rule: Rule, value: Any) -> str | None:
    """The message if the rule does not hold, or cannot be evaluated, which counts as the same."""
    outcome = rule.program.eval(data={"self": value})
    if outcome.type() == cel.Type.ERROR:
        return f"{rule.message} (the rule `{rule.expression}` failed: {outcome.plain_value()})"
    return None if outcome.plain_value() is True else rule.message


def _compiled(entry: Body) -> Rule:
    expression = entry["rule"]
    try:
        program = _environment().compile(expression)
    except RuntimeError as error:
        raise InvalidInput(f"the CEL rule `{expression}` is not valid: {error}") from None
    return Rule(expression, entry.get("message") or f"failed rule: {expression}", program)


@functools.cache
def _environment() -> Any:
    """CEL, and ``sum`` from the list library that Kubernetes adds to it."""
    dyn = cel.Type.DYN
    total = cel.Overload(
        id="list_sum", return_type=dyn, parameters=[cel.Type.List(dyn)], is_member=True, impl=sum
    )
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml("name: kubernetes\nextensions:\n- name: strings\n- name: sets\n"),
        variables={"self": dyn},
        functions=[cel.FunctionDecl("sum", [total])],
    )
