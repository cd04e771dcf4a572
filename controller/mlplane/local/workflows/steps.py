"""Steps templates: groups of parallel steps, one after the other. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from mlplane.api import Body
from mlplane.local.workflows import loops
from mlplane.local.workflows.calls import Call, Use, arguments_of
from mlplane.local.workflows.hooks import Execute, run_exit, run_step_hooks
from mlplane.local.workflows.limits import TimedOut
from mlplane.local.workflows.phases import continues_on, has_failed, is_done, is_hook
from mlplane.local.workflows.scopes import aggregate_scope, node_scope, skipped_scope, template_outputs
from mlplane.local.workflows.templating import Scope, Unresolvable, should_execute, substitute
from mlplane.local.workflows.walk import Postponed, Walk


def run(walk: Walk, call: Call, execute: Execute) -> Body:
    """The Steps node of a call, and the nodes below it.

    Raises:
        Unresolvable: the outputs of the template cannot be made.
    """
    node = walk.named(call.node_name) or walk.add(call.use, "Steps", "Running", inputs=call.inputs)
    scope = {**call.scope, **walk.globals}
    before = [node]
    for number, steps in enumerate(call.template["steps"]):
        group = _group(walk, node, number)
        for parent in before:
            walk.link(parent, group)
        _run_group(walk, call, group, steps, scope, execute)
        if not is_done(group) or is_done(node):
            return node
        before = [end for child in walk.children(group) for end in walk.ends(child)] or [group]
        if has_failed(group):
            node["outboundNodes"] = _outbound(walk, group)
            return walk.mark(node, "Failed", group.get("message", ""))
        for step in steps:
            scope |= walk.globals | _scope_of(walk, node, group, step)
    node["outboundNodes"] = _outbound(walk, group)
    outputs = template_outputs(call.template, scope)
    if outputs:
        node["outputs"] = {"parameters": outputs}
        walk.add_globals(node["outputs"])
    return walk.mark(node, "Succeeded")


def _outbound(walk: Walk, group: Body) -> list[str]:
    return [end["id"] for child in walk.children(group) for end in walk.ends(child)]


def _group(walk: Walk, node: Body, number: int) -> Body:
    name = f"{node['name']}[{number}]"
    return walk.named(name) or walk.add(Use("", name, boundary=node["id"]), "StepGroup", "Running")


def _scope_of(walk: Walk, node: Body, group: Body, step: Body) -> dict[str, str | None]:
    """What later steps know of a step that is over. Raises Unresolvable."""
    name = f"{group['name']}.{step['name']}"
    child = walk.named(name)
    if child is not None:
        known = node_scope(walk, "steps", step["name"], child)
        return known | skipped_scope("steps", step["name"], child, walk.template(step["template"]))
    inside = [
        each
        for each in walk.nodes.values()
        if each.get("boundaryID") == node["id"]
        and each["name"].startswith(f"{name}(")
        and each["type"] != "Skipped"
    ]
    known = aggregate_scope("steps", step["name"], inside) if inside else {}
    return node_scope(walk, "steps", step["name"], group) | known


def _run_group(
    walk: Walk, call: Call, group: Body, steps: list[Body], scope: dict[str, str | None], execute: Execute
) -> None:
    """Begin what may begin of a group, and judge it when all of it is over."""
    if is_done(group):
        return
    try:
        callers, is_complete = _begin_all(walk, call, group, steps, scope, execute)
        is_complete = _run_hooks(walk, callers, scope, execute) and is_complete
    except TimedOut as error:
        walk.mark(group, "Failed", str(error))
        return
    except Unresolvable as error:
        walk.mark(group, "Error", str(error))
        return
    children = [each for each in walk.children(group) if not is_hook(each)]
    if is_done(group) or not is_complete or not all(map(is_done, children)):
        return
    for child in children:
        if has_failed(child) and not continues_on(callers.get(child["id"]) or {}, child["phase"]):
            walk.mark(group, "Failed", f"child '{child['id']}' failed")
            return
    walk.mark(group, "Succeeded")


def _begin_all(
    walk: Walk, call: Call, group: Body, steps: list[Body], scope: dict[str, str | None], execute: Execute
) -> tuple[dict[str, Body], bool]:
    """Begin the steps of a group: those that have by id of their node, and whether these are all."""
    callers: dict[str, Body] = {}
    is_complete = True
    for step, known in _expanded(walk, group, steps, scope):
        child: Body | None
        try:
            child = _begin(walk, call, group, step, known, execute)
        except Postponed:
            child, is_complete = walk.named(f"{group['name']}.{step['name']}"), False
        if child is not None:
            callers[child["id"]] = step
            walk.link(group, child)
    return callers, is_complete


def _expanded(
    walk: Walk, group: Body, steps: list[Body], scope: dict[str, str | None]
) -> Iterator[tuple[Body, dict[str, str | None]]]:
    """The steps with loops as several, and what their tags stand for. Raises Unresolvable."""
    for step in steps:
        if not loops.is_loop(step):
            yield step, scope
            continue
        turns = loops.turns_if_run(step, scope)
        if not turns:
            use = Use(step["template"], f"{group['name']}.{step['name']}", boundary=group["boundaryID"])
            skipped = walk.named(use.node_name) or walk.add(use, "Skipped", "Skipped", loops.EMPTY)
            walk.link(group, skipped)
        for turn in turns:
            yield {**step, "name": turn.name}, {**scope, **turn.scope}


def _begin(walk: Walk, call: Call, group: Body, step: Body, scope: Scope, execute: Execute) -> Body:
    """The node of a step. Raises Unresolvable, Postponed, TimedOut."""
    name = f"{group['name']}.{step['name']}"
    child = walk.named(name)
    if child is not None and is_done(child):
        return child
    use = Use(
        step["template"],
        name,
        boundary=group["boundaryID"],
        called_as={"steps.name": step["name"]},
        on_exit=call.use.on_exit,
    )
    try:
        when = substitute(step.get("when") or "", scope)
        if child is None and not should_execute(when):
            return walk.add(use, "Skipped", "Skipped", f"when '{when}' evaluated false")
        use = replace(use, arguments=arguments_of(step, scope))
    except Unresolvable as error:
        message = f"failed to resolve references: {error}"
        raise Unresolvable(message) from None
    try:
        return execute(walk, use)
    except Unresolvable as error:
        if (made := walk.named(name)) is not None:
            walk.link(group, made)
        message = f"step group deemed errored due to child {name} error: {error}"
        raise Unresolvable(message) from None


def _run_hooks(walk: Walk, callers: dict[str, Body], scope: dict[str, str | None], execute: Execute) -> bool:
    """Run the hooks of a group's steps; whether those that have begun are over. Raises Unresolvable."""
    are_over = True
    for child in [walk.nodes[each] for each in callers]:
        step = callers[child["id"]]
        known = {**scope, f"steps.{step['name']}.status": child["phase"]}
        try:
            if not run_step_hooks(walk, "steps", step, child, known, execute):
                return False
            are_over = run_exit(walk, "steps", step, child, known, execute) and are_over
        except Postponed:
            are_over = False
    return are_over
