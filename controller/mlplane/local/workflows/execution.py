"""Executes templates: finds out what type one has, minds its limits, and makes its node. Pure.

``execute`` is called for the entry point and the exit handler by ``progress.py``, and by the modules of
steps, tasks and hooks for all others.
"""

from mlplane.api import Body
from mlplane.local.workflows import dags, limits, podnodes, retries, steps, suspends
from mlplane.local.workflows.calls import Call, Use, prepared
from mlplane.local.workflows.defaults import type_of
from mlplane.local.workflows.phases import is_done
from mlplane.local.workflows.templating import Unresolvable
from mlplane.local.workflows.walk import Postponed, Walk

DEPTH_LIMIT = 100
"""As in Argo; a template that calls itself under a condition that always holds ends here."""
TOO_DEEP = (
    "Maximum recursion depth exceeded. "
    "See https://argo-workflows.readthedocs.io/en/latest/scaling/#maximum-recursion-depth"
)


def execute(walk: Walk, use: Use) -> Body:
    """The node of one use of a template.

    Raises:
        Unresolvable: the template cannot be filled in; its node says so.
        Postponed: a limit is reached, and the node is not there yet or goes on later.
        TimedOut: it waited longer than its template allows.
    """
    node = walk.named(use.node_name)
    if node is not None and is_done(node):
        return node
    walk.depth += 1
    try:
        if walk.depth >= DEPTH_LIMIT:
            return refuse(walk, use, TOO_DEEP)
        return _execute(walk, use, node)
    finally:
        walk.depth -= 1


def refuse(walk: Walk, use: Use, message: str) -> Body:
    """Make a node an error that has never begun."""
    node = walk.named(use.node_name)
    if node is None:
        return walk.add(use, "Skipped", "Error", message)
    return walk.mark(node, "Error", message)


def _execute(walk: Walk, use: Use, node: Body | None) -> Body:
    template = walk.template(use.template)
    try:
        pod = walk.pod_name(use.node_name, template["name"])
        call = prepared(use, template, {**walk.globals, "pod.name": pod})
        strategy = retries.strategy_of(call)
        if strategy is None:
            call.filled()
    except Unresolvable as error:
        refuse(walk, use, str(error))
        raise
    limits.check_timeouts(walk, call, node)
    try:
        limits.check_parallelism(walk, call, node)
    except Postponed:
        if node is not None and is_done(node):
            return node  # it fails fast
        raise
    try:
        return run(walk, call) if strategy is None else retries.retry(walk, call, strategy, run)
    except Unresolvable as error:
        refuse(walk, use, str(error))
        raise


def run(walk: Walk, call: Call) -> Body:
    """The node of a call, or of one attempt of it."""
    match type_of(call.template):
        case "steps":
            return steps.run(walk, call, execute)
        case "dag":
            return dags.run(walk, call, execute)
        case "suspend":
            return suspends.run(walk, call)
    return podnodes.run(walk, call)
