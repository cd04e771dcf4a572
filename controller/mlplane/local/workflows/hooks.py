"""Lifecycle hooks and exit handlers of steps, tasks and the Workflow. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from mlplane.api import Body
from mlplane.local.workflows.calls import Arguments, Use, arguments_of, workflow_arguments
from mlplane.local.workflows.identity import exit_name, hook_name
from mlplane.local.workflows.phases import COMPLETED, is_done, is_hook
from mlplane.local.workflows.scopes import Kind, outputs_scope
from mlplane.local.workflows.templating import Scope, holds
from mlplane.local.workflows.walk import Walk

Execute = Callable[[Walk, Use], Body]
EXIT = "exit"
"""Name of the hook that is run at the end, whatever the end is."""


def exit_hook(caller: Body) -> Body | None:
    """The exit handler of a step, a task or a Workflow's spec."""
    if caller.get("onExit"):
        return {"template": caller["onExit"]}
    hook: Body | None = (caller.get("hooks") or {}).get(EXIT)
    return hook


def all_done(walk: Walk, node: Body) -> bool:
    """Whether the hooks of a node that have begun are over."""
    return all(is_done(each) for each in walk.children(node) if is_hook(each))


def run_hooks(
    walk: Walk,
    hooks: Mapping[str, Body],
    node: Body,
    scope: Scope,
    arguments: Callable[[Body], Arguments],
    execute: Execute,
) -> bool:
    """Run the hooks of a node whose condition holds; whether those that have begun are over.

    Args:
        walk: The pass.
        hooks: The hooks by name; ``exit`` is left out.
        node: The node that they belong to.
        scope: What their conditions know.
        arguments: Gives a hook's arguments.
        execute: Executes a template.

    Raises:
        Unresolvable: a condition or an argument has no value.
    """
    begun = []
    for name, hook in hooks.items():
        own = hook_name(node["name"], name)
        if name == EXIT or (not holds(hook["expression"], scope) and walk.named(own) is None):
            continue
        use = Use(hook["template"], own, arguments(hook), node.get("boundaryID", ""), flag={"hooked": True})
        made = execute(walk, use)
        walk.link(node, made)
        begun.append(made)
    return all(is_done(each) for each in begun)


def run_step_hooks(
    walk: Walk, kind: Kind, caller: Body, node: Body, scope: dict[str, Any], execute: Execute
) -> bool:
    """The same for the hooks of a step or task."""
    hooks = caller.get("hooks") or {}
    if not any(name != EXIT for name in hooks):
        return True
    known = {**scope, **_own_outputs(walk, kind, caller, node)}
    return run_hooks(walk, hooks, node, known, lambda hook: arguments_for(walk, hook, known), execute)


def run_exit(
    walk: Walk, kind: Kind, caller: Body, node: Body, scope: dict[str, Any], execute: Execute
) -> bool:
    """Run the exit handler of a step or task that has ended; whether that is over, or there is none.

    Raises:
        Unresolvable: its condition or an argument has no value.
    """
    hook = exit_hook(caller)
    if hook is None or node["phase"] not in COMPLETED or not walk.may_run(on_exit=True):
        return True
    known = {**scope, **_own_outputs(walk, kind, caller, node)}
    if hook.get("expression") and not holds(hook["expression"], known):
        return True
    use = Use(
        hook["template"],
        exit_name(node["name"]),
        arguments_for(walk, hook, known),
        node.get("boundaryID", ""),
        on_exit=True,
        flag={"hooked": True},
    )
    made = execute(walk, use)
    walk.link(node, made)
    return is_done(made)


def _own_outputs(walk: Walk, kind: Kind, caller: Body, node: Body) -> dict[str, str | None]:
    """What a hook knows of the node that it belongs to: its outputs and its status."""
    name = caller["name"]
    if node["type"] == "Retry":
        attempts = [each for each in walk.children(node) if not is_hook(each)]
        node = {**node, "outputs": (attempts[-1] if attempts else node).get("outputs")}
    return outputs_scope(kind, name, node.get("outputs") or {}) | {f"{kind}.{name}.status": node["phase"]}


def arguments_for(walk: Walk, hook: Body, scope: Scope) -> Arguments:
    """A hook's arguments; the Workflow's own, if it has none."""
    given = (hook.get("arguments") or {}).get("parameters")
    return arguments_of(hook, scope) if given else workflow_arguments(walk.spec)
