"""One use of a template: pure."""

from dataclasses import dataclass

from mlplane.api import Body
from mlplane.local.workflows.templating import Scope, Unresolvable, substitute


@dataclass(frozen=True)
class Call:
    """One use of a template."""

    node_name: str
    template: Body
    """With all tags replaced, but for those of its steps."""
    boundary: Body | None
    """The Steps node that it belongs to."""
    is_retry: bool = False


def parameters_of(spec: Body) -> list[Body]:
    """The Workflow's own arguments."""
    return (spec.get("arguments") or {}).get("parameters") or []


def filled(template: Body, arguments: Scope) -> Body:
    """A template with its inputs set and its tags replaced, but for those of its steps.

    Raises:
        Unresolvable: an input has neither value nor default, or a tag is not known.
    """
    inputs = []
    for declared in (template.get("inputs") or {}).get("parameters") or ():
        value = arguments.get(f"inputs.parameters.{declared['name']}")
        if value is None:
            value = declared.get("value", declared.get("default"))
        if value is None:
            message = f"inputs.parameters.{declared['name']} was not supplied"
            raise Unresolvable(message)
        inputs.append({"name": declared["name"], "value": str(value)})
    known = {tag: value for tag, value in arguments.items() if not tag.startswith("inputs.")}
    scope = known | {f"inputs.parameters.{p['name']}": p["value"] for p in inputs}
    made: Body = {
        key: value if key == "steps" else substitute(value, scope)
        for key, value in template.items()
        if key != "inputs"
    }
    return made | {"inputs": {"parameters": inputs}} if inputs else made
