"""One use of a template, and how its tags are replaced: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mlplane.api import Body
from mlplane.local.workflows.clock import NoDuration, seconds_of
from mlplane.local.workflows.gotext import compact, text_of
from mlplane.local.workflows.templating import Scope, Unresolvable, is_absent, substitute

_ABSENT = object()
_ABSENT_WORDS = "absent optional (skipped/omitted node output with no default)"
Arguments = Mapping[str, Any]
"""Name of an input to its value, or ``_ABSENT``: an output that a skipped step does not have."""

_LATER = ("steps", "dag", "inputs", "retryStrategy")
"""Parts of a template whose tags are replaced when they are looked at."""


@dataclass(frozen=True)
class Use:
    """What a step, a task, a hook or the Workflow asks for."""

    template: str
    node_name: str
    arguments: Arguments = field(default_factory=dict)
    boundary: str = ""
    """Id of the Steps or DAG node that it belongs to."""
    called_as: Mapping[str, str] = field(default_factory=dict)
    """``steps.name`` or ``tasks.name``."""
    on_exit: bool = False
    """Part of an exit handler, which still runs when the Workflow is stopped."""
    flag: Mapping[str, bool] = field(default_factory=dict)
    """``nodeFlag`` of the node."""


@dataclass(frozen=True)
class Call:
    """A use of a template whose inputs are known."""

    use: Use
    template: Body
    """As it was written, with the Workflow's defaults."""
    inputs: tuple[Body, ...]
    scope: Scope
    """What its tags stand for."""
    until: datetime | None = None
    """When its retryStrategy ends it."""

    @property
    def node_name(self) -> str:
        """Name of the node."""
        return self.use.node_name

    def attempt(self, node_name: str, known: Scope, until: datetime | None) -> "Call":
        """The same as one attempt of a Retry node."""
        use = replace(self.use, node_name=node_name, flag={**self.use.flag, "retried": True})
        return replace(self, use=use, scope={**self.scope, **known}, until=until)

    def seconds(self, text: Any) -> float:
        """Seconds of a duration with tags. Raises Unresolvable."""
        try:
            return seconds_of(text_of(substitute(text, self.scope)))
        except NoDuration as error:
            raise Unresolvable(str(error)) from None

    def whole(self, field_name: str, value: Any) -> int:
        """A whole number that may be written as a string, with tags. Raises Unresolvable."""
        text = text_of(substitute(value, self.scope))
        if not text.isdigit():
            message = f"{self.template['name']}.{field_name}: found {text!r}; allowed is a whole number"
            raise Unresolvable(message)
        return int(text)

    def filled(self) -> Body:
        """The template with its tags replaced, but for those of its steps. Raises Unresolvable."""
        later = _LATER if _is_leaf(self.template) else (*_LATER, "outputs")
        made: Body = {
            key: value if key in later else substitute(value, self.scope)
            for key, value in self.template.items()
        }
        return made


def _is_leaf(template: Body) -> bool:
    return "steps" not in template and "dag" not in template


def prepared(use: Use, template: Body, known: Scope) -> Call:
    """A call with its inputs set.

    Raises:
        Unresolvable: an input has neither value nor default, or a tag is not known.
    """
    inputs = tuple(
        _input(declared, use.arguments.get(declared["name"]), known)
        for declared in (template.get("inputs") or {}).get("parameters") or ()
    )
    scope = {**known, **use.called_as, "node.name": use.node_name}
    scope |= {f"inputs.parameters.{each['name']}": each["value"] for each in inputs}
    scope["inputs.parameters"] = compact(list(inputs))
    if _is_leaf(template):
        for each in (template.get("outputs") or {}).get("parameters") or ():
            if path := (each.get("valueFrom") or {}).get("path"):
                scope[f"outputs.parameters.{each['name']}.path"] = path
    return Call(use, template, inputs, scope)


def _input(declared: Body, given: Any, known: Scope) -> Body:
    source = declared.get("valueFrom") or {}
    value = given
    if given is None or given is _ABSENT:
        own = declared.get("value", declared.get("default", source.get("default")))
        value = None if own is None else substitute(own, known)
    if value is None:
        why = f": argument references an {_ABSENT_WORDS}" if given is _ABSENT else " was not supplied"
        message = f"inputs.parameters.{declared['name']}{why}"
        raise Unresolvable(message)
    kept = {key: each for key, each in declared.items() if key in ("enum", "default", "description")}
    return {**kept, "name": declared["name"], "value": text_of(value)}


def arguments_of(caller: Body, scope: Scope) -> Arguments:
    """The arguments of a step, a task or a hook. Raises Unresolvable."""
    given = (caller.get("arguments") or {}).get("parameters") or ()
    return {
        each["name"]: _ABSENT
        if is_absent(each["value"], scope)
        else text_of(substitute(each["value"], scope))
        for each in given
    }


def workflow_arguments(spec: Body) -> Arguments:
    """The Workflow's own arguments, as its entry point and its exit handler get them."""
    return {each["name"]: text_of(value_of(each)) for each in parameters_of(spec)}


def parameters_of(spec: Body) -> list[Body]:
    """The Workflow's own arguments as they are written."""
    return (spec.get("arguments") or {}).get("parameters") or []


def value_of(parameter: Body) -> Any:
    """Value or default of a parameter; None if it has neither."""
    return parameter.get("value", parameter.get("default", (parameter.get("valueFrom") or {}).get("default")))
