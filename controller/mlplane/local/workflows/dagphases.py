"""What a DAG node comes to, given the nodes of its tasks. Pure."""

from collections.abc import Mapping, Sequence

from mlplane.api import Body
from mlplane.local.workflows.phases import COMPLETED, FAILED, continues_on, is_done, is_hook
from mlplane.local.workflows.walk import Walk


def phase_of(
    walk: Walk, node: Body, targets: Sequence[str], tasks: Mapping[str, Body], *, fails_fast: bool
) -> str:
    """Running, or how the DAG has ended: as its targets did.

    A target that was left out ends as the branch that leads to it did: a failure counts until a later task
    ends otherwise.

    Args:
        walk: The pass.
        node: The DAG's node.
        targets: The names of the tasks that count.
        tasks: All tasks by name.
        fails_fast: Whether a failed target ends the DAG while others are still to begin.
    """
    found = _branch_phases(walk, node)
    if found is None:
        return "Running"
    result = "Succeeded"
    for name in targets:
        target = walk.named(f"{node['name']}.{name}")
        phase = found.get(target["id"], "") if target else ""
        if not phase:
            result = "Running"
            if not fails_fast:
                break
        elif phase in FAILED and not continues_on(tasks[name], phase):
            result = phase
            if fails_fast:
                break
    return result


def _branch_phases(walk: Walk, node: Body) -> dict[str, str] | None:
    """The last phase on the way to each node; None while something runs."""
    found: dict[str, str] = {}
    pending = [(child, "Succeeded") for child in walk.children(node)]
    seen: set[tuple[str, str]] = set()
    while pending:
        each, branch = pending.pop(0)
        if (each["id"], branch) in seen:
            continue
        seen.add((each["id"], branch))
        if not is_done(each):
            return None
        phase = each["phase"] if each["phase"] in COMPLETED else branch
        if found.get(each["id"]) not in FAILED:
            found[each["id"]] = phase
        pending += [(child, phase) for child in _following(walk, each)]
    return found


def _following(walk: Walk, node: Body) -> list[Body]:
    """The nodes after a node; of one that was tried several times, those after the last attempt."""
    children = walk.children(node)
    if node["type"] != "Retry":
        return children
    return [
        after
        for child in reversed(children)
        for after in ([child] if is_hook(child) else walk.children(child))
    ]
