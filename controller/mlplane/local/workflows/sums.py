"""What nodes add up to: progress and resources. Pure, as Argo counts them."""

from mlplane.api import Body
from mlplane.local.workflows.phases import is_done
from mlplane.local.workflows.podstates import DEFAULT_PROGRESS, is_progress
from mlplane.local.workflows.resourceusage import Usage, added

_COUNTED = ("Pod", "Suspend")
"""Types of nodes that make progress by themselves."""


def add_progress(nodes: dict[str, Body]) -> str:
    """Write each node's progress; the sum over all nodes that count: one counts once it is known."""
    done, known = 0, 0
    for node in nodes.values():
        if node["type"] in _COUNTED:
            total = _counted(node.get("progress", ""))[1]
            if node["phase"] == "Succeeded":
                node["progress"] = f"{total}/{total}"
            node.setdefault("progress", DEFAULT_PROGRESS)
            counted = _counted(node["progress"])
            done, known = done + counted[0], known + counted[1]
    for node in nodes.values():
        if node["type"] not in _COUNTED:
            below = [_counted(each["progress"]) for each in _below(nodes, node) if each["type"] in _COUNTED]
            node["progress"] = f"{sum(d for d, _ in below)}/{sum(k for _, k in below)}"
    return f"{done}/{known}"


def add_usage(nodes: dict[str, Body]) -> Usage:
    """Write what is below each node that is over; the sum over all Pods."""
    for node in nodes.values():
        if node["type"] != "Pod" and is_done(node):
            usage = added(
                each.get("resourcesDuration") or {} for each in _below(nodes, node) if each["type"] == "Pod"
            )
            if usage:
                node["resourcesDuration"] = usage
    return added(node.get("resourcesDuration") or {} for node in nodes.values() if node["type"] == "Pod")


def _counted(progress: str) -> tuple[int, int]:
    done, _, known = (progress if is_progress(progress) else DEFAULT_PROGRESS).partition("/")
    return int(done), int(known)


def _below(nodes: dict[str, Body], node: Body) -> list[Body]:
    """Nodes that can be reached: as in Argo, those of later groups too, which hang on earlier ones."""
    found: dict[str, Body] = {}
    pending = list(node.get("children", ()))
    while pending:
        child = pending.pop()
        if child not in found and child in nodes:
            found[child] = nodes[child]
            pending.extend(nodes[child].get("children", ()))
    return list(found.values())
