"""The CEL rules of a schema (``x-kubernetes-validations``): compiled once, evaluated at every write.

``structural`` holds the compiled rules of each CRD version; ``crdchecks`` reports those that do not compile.
Known difference from Kubernetes: there is no budget at run time; what ``celbudgets`` estimates when a CRD is
written is what bounds them.
"""

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cel_expr_python import cel

from mlplane.body import Body
from mlplane.errors import InvalidInput
from mlplane.structural import causes, celvalues, listtypes
from mlplane.structural.causes import Cause, MapKey, Path
from mlplane.structural.cellibrary import COMPARISONS, functions
from mlplane.structural.nodes import Node, node_of

RULES = "x-kubernetes-validations"

_EXTENSIONS = ("sets", "optional", "lists", "two-var-comprehensions")
_OLD = re.compile(r"\boldSelf\b")
OPTIONAL_OLD = "cel.bind(oldSelf, oldExists ? optional.of(oldSelf) : optional.none(), {rule})"
"""What a rule with ``optionalOldSelf`` becomes."""
_WRONG_RESULT = {
    "bool": "cel expression must evaluate to a bool",
    "string": "messageExpression must evaluate to a string",
}
_MAX_MESSAGE = 5 * 1024


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule."""

    source: str
    program: Any
    message: str
    message_program: Any | None
    reason: str
    field_path: str
    uses_old: bool
    optional_old: bool

    @property
    def name(self) -> str:
        """What errors call the rule."""
        return self.message or self.source.strip()


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a schema in the shape of the schema; branches without rules are left out."""

    node: Node
    here: tuple[Rule, ...] = ()
    properties: dict[str, "Rules"] = field(default_factory=dict)
    values: "Rules | None" = None
    items: "Rules | None" = None

    def __bool__(self) -> bool:
        """Whether there is any rule here or below."""
        return bool(self.here or self.properties or self.values or self.items)

    def check(
        self,
        value: Any,
        old: Any = None,
        path: Path = (),
        forgiven: list[Cause] | None = None,
        seen: Any = None,
    ) -> Iterator[Cause]:
        """Every rule that does not hold for a value that satisfies the schema.

        Args:
            value: The new value.
            old: The value before; None when nothing corresponds, which leaves transition rules out.
            path: Where the value stands.
            forgiven: Gets the rules that do not hold for what was there before: it is not judged again.
            seen: The value as CEL sees it, where that is known from the value around it.
        """
        if value is None:
            return
        forgiven = [] if forgiven is None else forgiven
        if rules := [r for r in self.here if old is not None or not r.uses_old or r.optional_old]:
            seen = celvalues.converted(self.node, value) if seen is None else seen
            yield from self._check_here(rules, value, seen, old, path, forgiven)
        if isinstance(value, dict):
            olds = old if isinstance(old, dict) else {}
            yield from self._check_fields(value, seen, olds, path, forgiven)
        elif isinstance(value, list) and self.items is not None:
            keys = self.node.list_keys if self.node.list_type == "map" else ()
            olds = listtypes.by_key(old, keys) if keys else {}
            for index, item in enumerate(value):
                before = olds.get(listtypes.key_of(item, keys)) if olds else None
                inner = None if seen is None else seen[index]
                yield from self.items.check(item, before, (path, index), forgiven, inner)

    def _check_fields(
        self, value: Body, seen: Body | None, old: Body, path: Path, forgiven: list[Cause]
    ) -> Iterator[Cause]:
        for key, item in value.items():
            inner = None if seen is None else seen[celvalues.named(self.node, key)]
            if (child := self.properties.get(key)) is not None:
                yield from child.check(item, old.get(key), (path, key), forgiven, inner)
            elif self.values is not None and key not in self.node.properties:
                yield from self.values.check(item, old.get(key), (path, MapKey(key)), forgiven, inner)

    def _check_here(
        self, rules: list[Rule], value: Any, seen: Any, old: Any, path: Path, forgiven: list[Cause]
    ) -> Iterator[Cause]:
        unchanged = old is not None and value == old
        data = {"self": seen, "oldExists": old is not None}
        data["oldSelf"] = data["self"] if unchanged else celvalues.converted(self.node, old)
        where = causes.dotted(path, brackets=True)
        for rule in rules:
            if (found := self._broken(rule, value, data, where)) is None:
                continue
            if unchanged and not rule.uses_old:
                forgiven.append(found)
            else:
                yield found

    def _broken(self, rule: Rule, value: Any, data: Body, where: str) -> Cause | None:
        outcome = rule.program.eval(data=data)
        if outcome.type() == cel.Type.ERROR:
            return causes.invalid(where, self.node.type, _failure(str(outcome.plain_value()), rule))
        if outcome.plain_value() is True:
            return None
        detail = _message(rule, data) or rule.message or f"failed rule: {rule.source.strip()}"
        at = ".".join(part for part in (where, rule.field_path) if part)
        shown = causes.OMIT if self.node.type in {"object", "array"} else value
        return _report(rule.reason, at, shown, detail)


def compile_rules(schema: Body) -> Rules:
    """Compile every rule of a structural schema.

    Raises:
        InvalidInput: A rule is not valid CEL; the text shows the rule and the place in it.
    """
    return _rules_of(schema, node_of(schema))


def _rules_of(schema: Body, node: Node) -> Rules:
    properties = {
        name: _rules_of(child, node.properties[name])
        for name, child in (schema.get("properties") or {}).items()
    }
    values, items = schema.get("additionalProperties"), schema.get("items")
    return Rules(
        node=node,
        here=tuple(_rule_of(entry, node) for each in _nested(schema) for entry in each.get(RULES) or ()),
        properties={name: rules for name, rules in properties.items() if rules},
        values=_rules_of(values, node.values) or None if isinstance(values, dict) and node.values else None,
        items=_rules_of(items, node.items) or None if isinstance(items, dict) and node.items else None,
    )


def _nested(schema: Body) -> Iterator[Body]:
    """The schema and those that hold together with it."""
    yield schema
    for each in schema.get("allOf") or ():
        yield from _nested(each)


def _rule_of(entry: Body, node: Node) -> Rule:
    rule, optional = entry["rule"], bool(entry.get("optionalOldSelf"))
    message = entry.get("messageExpression")
    return Rule(
        source=rule,
        program=compiled(OPTIONAL_OLD.format(rule=rule) if optional else rule, celvalues.type_of(node)),
        message=(entry.get("message") or "").strip(),
        message_program=compiled(message, celvalues.type_of(node), result="string") if message else None,
        reason=entry.get("reason") or "FieldValueInvalid",
        field_path=(entry.get("fieldPath") or "").removeprefix("."),
        uses_old=bool(_OLD.search(rule)),
        optional_old=optional,
    )


@functools.lru_cache(maxsize=4096)
def compiled(expression: str, type_name: str = "dyn", *, result: str = "bool") -> Any:
    """An expression as a program over ``self`` and ``oldSelf``.

    Args:
        expression: The CEL text.
        type_name: Type of ``self``, as ``celvalues.type_of`` names it.
        result: Type that the expression must have: bool or string.

    Raises:
        InvalidInput: It is not valid CEL, or has another type; the text holds CEL's own words.
    """
    try:
        program = _environment(type_name).compile(expression)
    except RuntimeError as error:
        text = str(error).removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
        raise InvalidInput(f"compilation failed: {text}") from None
    allowed = (cel.Type.DYN, cel.Type.BOOL if result == "bool" else cel.Type.STRING)
    if program.return_type() not in allowed:
        raise InvalidInput(_WRONG_RESULT[result])
    return program


@functools.cache
def _environment(type_name: str) -> Any:
    value = celvalues.TYPES[type_name]
    return cel.NewEnv(
        config=config(),
        variables={"self": value, "oldSelf": value, "oldExists": cel.Type.BOOL},
        functions=functions(),
    )


def config(variables: Mapping[str, Body] | None = None) -> Any:
    """The extensions of CEL that Kubernetes has.

    Args:
        variables: Types of variables, in the engine's notation; None to evaluate, which takes ``cel.bind``.
    """
    declared = [{"name": name, **kind} for name, kind in (variables or {}).items()]
    extensions = [{"name": name} for name in _EXTENSIONS] + ([] if variables else [{"name": "bindings"}])
    document = {
        "name": "kubernetes",
        "extensions": [{"name": "strings", "version": 2}, *extensions],
        "variables": declared,
        # Declared anew, as Kubernetes compares numbers of different types.
        "stdlib": {"exclude_functions": [{"name": name} for name in COMPARISONS]},
    }
    # JSON is YAML, and the engine reads only that.
    return cel.NewEnvConfigFromYaml(json.dumps(document))


def _report(reason: str, at: str, value: Any, detail: str) -> Cause:
    match reason:
        case "FieldValueForbidden":
            return causes.forbidden(at, detail)
        case "FieldValueRequired":
            return causes.required(at, detail)
        case "FieldValueDuplicate":
            return causes.duplicate(at, value)
        case _:
            return causes.invalid(at, value, detail)


def _message(rule: Rule, data: Body) -> str:
    """What ``messageExpression`` says; empty when it fails or says nothing that fits in a line."""
    if rule.message_program is None:
        return ""
    outcome = rule.message_program.eval(data=data)
    if outcome.type() != cel.Type.STRING:
        return ""
    text = str(outcome.plain_value()).strip()
    return text if "\n" not in text and len(text.encode()) <= _MAX_MESSAGE else ""


def _failure(error: str, rule: Rule) -> str:
    """What a rule that cannot be evaluated is reported as, in the words of Go's CEL."""
    text = error.partition(": ")[2] or error
    if found := re.match(r'Key not found in map : "(.*)"', text):
        return f"no such key: {found[1]} evaluating rule: {rule.name}"
    if found := re.match(r"Index error: index=(-?\d+)", text):
        return f"index out of bounds: {found[1]} evaluating rule: {rule.name}"
    if text.startswith(("No matching overloads", "Applying SELECT")):
        hint = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'no such overload': {hint}: {rule.name}"
    return f"{text.replace('divide by zero', 'division by zero')} evaluating rule: {rule.name}"
