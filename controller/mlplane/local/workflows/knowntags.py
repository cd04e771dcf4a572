"""Which tags a template may have: those that will stand for something when it is executed. Pure."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from mlplane.api import Body
from mlplane.local.workflows import exprlang
from mlplane.local.workflows.defaults import type_of
from mlplane.local.workflows.exprfunctions import ExpressionError
from mlplane.local.workflows.loops import is_loop
from mlplane.local.workflows.scopes import Kind
from mlplane.local.workflows.templating import tags_of
from mlplane.local.workflows.variables import global_scope

_NODE_FIELDS = ("id", "status", "startedAt", "finishedAt", "hostNodeName", "exitCode", "outputs.result")
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_ITEM = re.compile(r"item(\..+)?")


def global_tags(workflow: Body) -> frozenset[str]:
    """Tags that are known everywhere in a Workflow."""
    meta = {"creationTimestamp": "2026-01-01T00:00:00Z", "uid": "", "namespace": "", **workflow["metadata"]}
    known = set(global_scope({**workflow, "metadata": meta}, _SOME_TIME))
    known |= {f"workflow.outputs.parameters.{name}" for name in _global_names(workflow["spec"])}
    return frozenset(known | {"workflow.failures"})


def _global_names(spec: Body) -> Iterator[str]:
    for template in spec["templates"]:
        for each in (template.get("outputs") or {}).get("parameters") or ():
            if each.get("globalName"):
                yield each["globalName"]


def template_tags(template: Body) -> set[str]:
    """Tags that are known in a template of its own."""
    names = [each["name"] for each in (template.get("inputs") or {}).get("parameters") or ()]
    known = {"node.name", "inputs.parameters", "steps.name", "tasks.name"}
    known |= {f"inputs.parameters.{name}" for name in names}
    if type_of(template) in ("container", "script"):
        known |= {"pod.name"}
        outputs = (template.get("outputs") or {}).get("parameters") or ()
        known |= {f"outputs.parameters.{each['name']}.path" for each in outputs}
    if "retryStrategy" in template:
        known |= {"retries", *(f"lastRetry.{each}" for each in ("exitCode", "status", "duration", "message"))}
    return known


def caller_tags(kind: Kind, caller: Body, template: Body) -> set[str]:
    """Tags that are known of a step or task when it is over."""
    prefix = f"{kind}.{caller['name']}"
    declared = (template.get("outputs") or {}).get("parameters") or ()
    known = {f"{prefix}.{each}" for each in _NODE_FIELDS}
    known |= {f"{prefix}.outputs.parameters.{each['name']}" for each in declared}
    return known | ({f"{prefix}.outputs.parameters"} if is_loop(caller) else set())


def unknown(value: object, known: Iterable[str], *, in_loop: bool = False) -> Iterator[str]:
    """What is wrong with the tags of a value: a sentence each."""
    plain = {tag for tag in tags_of(value) if not tag.startswith("=")}
    for tag in sorted(plain - set(known)):
        if not (in_loop and _ITEM.fullmatch(tag)):
            yield f"failed to resolve {{{{{tag}}}}}"
    for tag in sorted(tags_of(value) - plain):
        yield from malformed(tag[1:])


def malformed(expression: str) -> Iterator[str]:
    """What is wrong with an expression, if it cannot be one."""
    try:
        exprlang.check(expression)
    except ExpressionError as error:
        yield str(error)
