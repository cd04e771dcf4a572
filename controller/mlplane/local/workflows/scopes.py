"""What tags say about steps and tasks that are over: their status and their outputs. Pure."""

import json
from collections.abc import Iterable
from typing import Any, Literal

from mlplane.api import Body
from mlplane.local.workflows.gotext import compact, text_of
from mlplane.local.workflows.phases import is_attempt, is_hook
from mlplane.local.workflows.templating import Unresolvable, evaluate, substitute
from mlplane.local.workflows.walk import Walk

Kind = Literal["steps", "tasks"]


def node_scope(walk: Walk, kind: Kind, name: str, node: Body) -> dict[str, str | None]:
    """What is known of a step or task: of its last attempt, if it was tried several times."""
    if node["type"] == "Retry":
        attempts = [each for each in walk.children(node) if not is_hook(each)]
        node = attempts[-1] if attempts else node
    known: dict[str, str | None] = {f"{kind}.{name}.id": node["id"], f"{kind}.{name}.status": node["phase"]}
    for field in ("startedAt", "finishedAt", "hostNodeName"):
        if node.get(field):
            known[f"{kind}.{name}.{field}"] = node[field]
    return known | outputs_scope(kind, name, node.get("outputs") or {})


def outputs_scope(kind: Kind, name: str, outputs: Body) -> dict[str, str | None]:
    """The outputs of a node."""
    known: dict[str, str | None] = {}
    if outputs.get("result") is not None:
        known[f"{kind}.{name}.outputs.result"] = outputs["result"]
    if outputs.get("exitCode") is not None:
        known[f"{kind}.{name}.exitCode"] = outputs["exitCode"]
    for parameter in outputs.get("parameters") or ():
        if parameter.get("value") is not None:
            known[f"{kind}.{name}.outputs.parameters.{parameter['name']}"] = parameter["value"]
    return known


def skipped_scope(kind: Kind, name: str, node: Body, template: Body) -> dict[str, str | None]:
    """The defaults of what a skipped node would have put out; None for an output without one."""
    if node["phase"] not in ("Skipped", "Omitted") or node.get("outputs"):
        return {}
    declared = (template.get("outputs") or {}).get("parameters") or ()
    known: dict[str, str | None] = {f"{kind}.{name}.outputs.result": None}
    for each in declared:
        default = (each.get("valueFrom") or {}).get("default")
        known[f"{kind}.{name}.outputs.parameters.{each['name']}"] = (
            None if default is None else text_of(default)
        )
    return known


def aggregate_scope(kind: Kind, name: str, nodes: Iterable[Body]) -> dict[str, str | None]:
    """The outputs of a loop's nodes as JSON lists, in their order. Raises Unresolvable."""
    counted = [node for node in nodes if not is_hook(node) and not is_attempt(node)]
    results: list[Any] = []
    maps: list[dict[str, str]] = []
    values: dict[str, list[str]] = {}
    for node in sorted(counted, key=_loop_index):
        outputs = node.get("outputs") or {}
        if node["phase"] != "Succeeded":
            continue
        made = {each["name"]: str(each.get("value", "")) for each in outputs.get("parameters") or ()}
        if made:
            maps.append(made)
        for parameter, value in made.items():
            values.setdefault(parameter, []).append(value)
        if outputs.get("result") is not None:
            results.append(_item(name, outputs["result"]))
    prefix = f"{kind}.{name}.outputs"
    known: dict[str, str | None] = {
        f"{prefix}.result": compact(results),
        f"{prefix}.parameters": compact(maps),
    }
    return known | {f"{prefix}.parameters.{each}": _value_list(found) for each, found in values.items()}


def _loop_index(node: Body) -> int:
    return int(node["name"].rpartition("(")[2].partition(":")[0])


def _item(name: str, result: str) -> Any:
    try:
        return json.loads(result)
    except ValueError as error:
        message = f"the results of {name}, which is a loop, must be JSON; found {result[:80]!r}: {error}"
        raise Unresolvable(message) from None


def _value_list(values: list[str]) -> str:
    """A JSON list of the values: as JSON if all are maps or lists, as strings if not."""
    try:
        inner = [json.loads(each) for each in values]
    except ValueError:
        return compact(values)
    return compact(inner if all(isinstance(each, dict | list) for each in inner) else values)


def template_outputs(template: Body, scope: dict[str, str | None]) -> list[Body]:
    """The outputs of a Steps or DAG template, from those of its steps. Raises Unresolvable."""
    return [_output(each, scope) for each in (template.get("outputs") or {}).get("parameters") or ()]


def _output(declared: Body, scope: dict[str, str | None]) -> Body:
    source, value = declared.get("valueFrom") or {}, None
    try:
        if "expression" in source:
            value = evaluate(source["expression"], scope)
        else:
            value = substitute(_as_tag(source.get("parameter", "")), scope)
    except Unresolvable:
        if "default" not in source:
            raise
    if value is None:
        if "default" not in source:
            message = f'failed to evaluate expression "{source.get("expression")}"'
            raise Unresolvable(message)
        value = source["default"]
    kept = {key: each for key, each in declared.items() if key != "valueFrom"}
    return {**kept, "value": text_of(value)}


def _as_tag(reference: str) -> str:
    return reference if reference.startswith("{{") else f"{{{{{reference}}}}}"
