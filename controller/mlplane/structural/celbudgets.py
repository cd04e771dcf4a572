"""The rules of a schema, level by level: whether they compile, and whether they cost too much.

The API server refuses a CRD with the causes that ``check`` finds; ``mlplane.schema`` looks at our own CRDs
with ``problems``. Costs are the worst that any object could cause: maxItems, maxProperties and maxLength
keep them low. Reference: apiextensions' validation of CustomResourceDefinitions.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlplane.body import Body
from mlplane.errors import InvalidInput
from mlplane.structural import causes
from mlplane.structural.causes import Cause
from mlplane.structural.celchecks import Checker
from mlplane.structural.celcosts import cost_of
from mlplane.structural.celtypes import declared
from mlplane.structural.nodes import node_of

RULES = "x-kubernetes-validations"
RULE_LIMIT = 10_000_000
"""Most that one rule may cost, times the number of values that it is evaluated for."""
SCHEMA_LIMIT = 100_000_000
_MOST = 2**64 - 1
_NAMED = 4
_HINT = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and "
    "strings are declared)"
)


@dataclass
class Total:
    """What the rules of a whole schema cost."""

    cost: int = 0
    expensive: list[tuple[int, str]] = field(default_factory=list)
    """The most expensive rules, with their paths."""

    def observe(self, cost: int, where: str) -> None:
        """Add a rule or a message."""
        self.cost = min(_MOST, self.cost + cost)
        if cost >= SCHEMA_LIMIT // 100:
            self.expensive = sorted([*self.expensive, (cost, where)], key=lambda each: -each[0])[:_NAMED]

    def problems(self, path: str) -> Iterator[Cause]:
        """What is said when it is too much; ``path`` is that of the schema."""
        if self.cost <= SCHEMA_LIMIT:
            return
        for _, where in self.expensive:
            detail = (
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            )
            yield causes.forbidden(where, detail)
        name = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        yield causes.forbidden(path, _exceeded(name, self.cost, SCHEMA_LIMIT))


@dataclass(frozen=True, slots=True)
class Scope:
    """What the place of a level in a schema means for its rules."""

    total: Total
    cardinality: int | None = 1
    """How many values of the level an object can have; None where maxItems or maxProperties are missing."""
    uncorrelated: str = ""
    """The level above from which old and new values cannot be matched; empty where they can."""
    is_root: bool = True

    def below(self, schema: Body, path: str, *, items: bool = False) -> "Scope":
        """The scope of what is inside of a level.

        Args:
            schema: The level.
            path: Where it stands.
            items: Whether the items of a list are meant.
        """
        matched = not items or schema.get("x-kubernetes-list-type") == "map"
        most = _most_elements(schema)
        cardinality = (
            None if self.cardinality is None or most is None else min(_MOST, self.cardinality * most)
        )
        uncorrelated = self.uncorrelated or ("" if matched else path)
        return Scope(self.total, cardinality, uncorrelated, is_root=False)


def _most_elements(schema: Body) -> int | None:
    keyword = ""
    if schema.get("type") == "array":
        keyword = "maxItems"
    elif schema.get("type") == "object" and schema.get("additionalProperties") is not None:
        keyword = "maxProperties"
    if not keyword:
        return 1
    most = schema.get(keyword)
    return None if most is None else max(0, int(most))


def check(schema: Body, path: str, scope: Scope) -> Iterator[Cause]:
    """What is wrong with the rules of one level of a schema that is sound otherwise.

    Args:
        schema: The level.
        path: Where it stands.
        scope: What its place means; its total grows.
    """
    entries = schema.get(RULES) or ()
    if not entries:
        return
    kind = declared(node_of(schema), root=scope.is_root or bool(schema.get("x-kubernetes-embedded-resource")))
    if kind is None:
        why = "unable to convert structural schema to CEL declarations"
        yield causes.internal(
            f"{path}.{RULES}",
            f"internal error: failed to construct type information for x-kubernetes-validations rules: {why}",
        )
        return
    checker = Checker(kind)
    times = kind.cardinality if scope.cardinality is None else scope.cardinality
    for index, entry in enumerate(entries):
        yield from _check_entry(entry, f"{path}.{RULES}[{index}]", checker, times, scope)


def _check_entry(entry: Body, where: str, checker: Checker, times: int, scope: Scope) -> Iterator[Cause]:
    rule, message = entry.get("rule") or "", entry.get("messageExpression") or ""
    optional = bool(entry.get("optionalOldSelf"))
    try:
        checked = checker.checked(rule, "bool", optional_old=optional)
    except InvalidInput as error:
        yield causes.invalid(f"{where}.rule", shown(entry), str(error))
        return
    cost = min(_MOST, cost_of(checked, checker.declared) * times)
    if cost > RULE_LIMIT:
        yield causes.forbidden(f"{where}.rule", _exceeded("estimated rule cost", cost, RULE_LIMIT))
    scope.total.observe(cost, f"{where}.rule")
    if message:
        yield from _check_message(entry, where, checker, scope)
    if "oldSelf" not in checked.names:
        if entry.get("optionalOldSelf") is not None:
            detail = "may not be set if oldSelf is not used in rule"
            yield causes.invalid(f"{where}.optionalOldSelf", optional, detail)
    elif scope.uncorrelated:
        detail = (
            f"oldSelf cannot be used on the uncorrelatable portion of the schema within {scope.uncorrelated}"
        )
        yield causes.invalid(f"{where}.rule", rule, detail)


def _check_message(entry: Body, where: str, checker: Checker, scope: Scope) -> Iterator[Cause]:
    optional = bool(entry.get("optionalOldSelf"))
    try:
        checked = checker.checked(entry["messageExpression"], "string", optional_old=optional)
    except InvalidInput as error:
        yield causes.invalid(f"{where}.messageExpression", shown(entry), str(error))
        return
    cost = cost_of(checked, checker.declared)
    if cost > RULE_LIMIT:
        said = _exceeded("estimated messageExpression cost", cost, RULE_LIMIT)
        yield causes.forbidden(f"{where}.messageExpression", said)
    scope.total.observe(cost, f"{where}.messageExpression")


def shown(entry: Body) -> Body:
    """A rule as messages show it: with the names that Go has for its fields."""
    return {
        "Rule": entry.get("rule") or "",
        "Message": entry.get("message") or "",
        "MessageExpression": entry.get("messageExpression") or "",
        "Reason": entry.get("reason"),
        "FieldPath": entry.get("fieldPath") or "",
        "OptionalOldSelf": entry.get("optionalOldSelf"),
    }


def _exceeded(name: str, cost: int, limit: int) -> str:
    factor = cost / limit
    text = "more than 100x" if factor > 100 else f"{factor:.6f}x" if factor < 1.5 else f"{factor:.1f}x"
    return f"{name} exceeds budget by factor of {text} {_HINT}"


def problems(schema: Body, path: str) -> list[Cause]:
    """Everything that is wrong with the rules of a schema, or too expensive about them."""
    total = Total()
    found = list(_walk(schema, path, Scope(total)))
    return [*found, *total.problems(path)]


def _walk(schema: Body, path: str, scope: Scope) -> Iterator[Cause]:
    inside = scope.below(schema, path)
    for name, child in (schema.get("properties") or {}).items():
        yield from _walk(child, f"{path}.properties[{name}]", inside)
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield from _walk(values, f"{path}.additionalProperties", inside)
    if isinstance(items := schema.get("items"), dict):
        yield from _walk(items, f"{path}.items", scope.below(schema, path, items=True))
    yield from check(schema, path, scope)
