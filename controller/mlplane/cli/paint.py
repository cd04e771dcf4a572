"""How objects look in a terminal: the tree of ``cli.tree`` and the state of the repository, as rich text.

Pure. Called by ``cli.status`` and ``cli.demo``.
"""

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from mlplane.api.meta import Body
from mlplane.cli.tree import Node, State, duration, moment

MARKS: dict[State, tuple[str, str]] = {
    "ready": ("✓", "green"),
    "working": ("●", "cyan"),
    "waiting": ("○", "yellow"),
    "failed": ("✗", "red"),
}
"""Sign and colour of each state; the sign alone says it too, for those who see no colour."""


def overview(nodes: Iterable[Node], record: Body | None, now: datetime) -> RenderableType:
    """Everything that ``mlplane status`` shows of a namespace.

    Args:
        nodes: The trees of the namespace.
        record: The ConfigMap of the GitOps agent; None where something else applies the manifests.
        now: For ages.
    """
    head = [repository_line(record, now), Text("")] if record else []
    trees = [_tree(node) for node in nodes]
    if not trees:
        return Group(*head, Text("nothing here yet: commit manifests, or `kubectl apply` them", style="dim"))
    return Group(*head, *trees)


def repository_line(record: Body, now: datetime) -> Text:
    """Which commit the namespace is at, and what is wrong with the newest one."""
    data = record.get("data") or {}
    synced = data.get("outcome") == "Synced"
    sign, colour = MARKS["ready" if synced else "failed"]
    age = f" {duration(now - moment(data['time']))} ago" if data.get("time") else ""
    text = Text.assemble(
        (f"{sign} ", colour),
        ("git ", "bold"),
        f"{data.get('source', '')} ",
        (data.get("commit", "")[:12], "magenta"),
        (f" {data.get('outcome', '')}{age}", "dim" if synced else colour),
    )
    for error in (data.get("errors") or "").splitlines():
        text.append(f"\n    {error}", style=colour)
    return text


def _tree(node: Node) -> Tree:
    branch = Tree(_label(node), guide_style="dim")
    _grow(branch, node.children)
    return branch


def _grow(branch: Tree, nodes: Iterable[Node]) -> None:
    for node in nodes:
        _grow(branch.add(_label(node)), node.children)


def _label(node: Node) -> RenderableType:
    sign, colour = MARKS[node.state]
    title = Text.assemble(
        (f"{sign} ", colour),
        (f"{node.kind} ", "dim"),
        (node.name, "bold"),
        "  ",
        (node.reason, colour),
        (f"  {node.age}", "dim"),
    )
    lines = [Text(node.facts)] if node.facts else []
    if node.message:
        lines.append(Text(node.message, colour))
    if node.hint:
        lines.append(Text.assemble(("next: ", "dim"), (node.hint, "italic")))
    return Group(title, *(Padding(line, (0, 0, 0, 2)) for line in lines))
