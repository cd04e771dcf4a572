"""The state of one pass over a Workflow: its nodes as they were, and what becomes of them. Pure.

Made by ``progress.py``, worked on by the modules that know one type of template each. Nothing is kept
between two passes but what the Workflow's status and its Pods say.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from mlplane.api import Body
from mlplane.local.workflows import identity
from mlplane.local.workflows.calls import Use
from mlplane.local.workflows.clock import later, text_at
from mlplane.local.workflows.defaults import with_defaults
from mlplane.local.workflows.phases import is_done
from mlplane.local.workflows.podstates import PodState


class Postponed(Exception):
    """A limit is reached: what was about to begin waits for a later pass."""


@dataclass
class Walk:
    """One pass."""

    workflow: Body
    spec: Body
    """With tags replaced where they stand outside of templates."""
    pods: Mapping[str, PodState]
    now: datetime
    globals: dict[str, str | None]
    nodes: dict[str, Body] = field(init=False)
    create: list[Body] = field(default_factory=list)
    """Pods that do not exist yet."""
    wakes: list[datetime] = field(default_factory=list)
    """Times at which something is due even if nothing changes."""
    depth: int = 0
    """How many templates have called each other to get here."""

    def __post_init__(self) -> None:
        status = self.workflow.get("status") or {}
        self.name: str = self.workflow["metadata"]["name"]
        self.nodes = deepcopy(status.get("nodes") or {})
        self.shutdown: str = self.spec.get("shutdown") or ""
        self.started: str = status.get("startedAt") or text_at(self.now)
        self._templates = {
            template["name"]: with_defaults(template, self.spec.get("templateDefaults") or {})
            for template in self.spec["templates"]
        }
        limit = self.spec.get("activeDeadlineSeconds")
        self.deadline: datetime | None = None if limit is None else later(self.started, float(limit))
        self.is_late: bool = self.deadline is not None and self.now >= self.deadline
        if self.deadline is not None and not self.is_late:
            self.wakes.append(self.deadline)

    # What is known.

    def template(self, name: str) -> Body:
        """A template, with the Workflow's defaults."""
        return self._templates[name]

    def named(self, node_name: str) -> Body | None:
        """The node of a name."""
        return self.nodes.get(identity.node_id(self.name, node_name))

    def children(self, node: Body) -> list[Body]:
        """The nodes below a node."""
        return [self.nodes[each] for each in node.get("children") or () if each in self.nodes]

    def pod_name(self, node_name: str, template: str) -> str:
        """Name of the Pod of a node."""
        return identity.pod_name(self.name, node_name, template)

    def pod_of(self, node: Body) -> PodState | None:
        """The Pod of a node of type Pod."""
        return self.pods.get(self.pod_name(node["name"], node.get("templateName", "")))

    def may_run(self, *, on_exit: bool) -> bool:
        """Whether a shutdown lets new Pods begin: Stop spares exit handlers, Terminate nothing."""
        return not self.shutdown or (self.shutdown == "Stop" and on_exit)

    def is_of_exit_handler(self, node: Body) -> bool:
        """Whether a node belongs to an exit handler, at any remove."""
        while not node["displayName"].endswith(".onExit"):
            if not node.get("boundaryID"):
                return False
            node = self.nodes[node["boundaryID"]]
        return True

    # What becomes of it.

    def add(self, use: Use, type_: str, phase: str, message: str = "", inputs: tuple[Body, ...] = ()) -> Body:
        """A new node."""
        boundary = self.nodes.get(use.boundary)
        name, now = use.node_name, text_at(self.now)
        node: Body = {
            "id": identity.node_id(self.name, name),
            "name": name,
            "displayName": identity.display_name(name, boundary["name"]) if boundary else name,
            "type": type_,
            "templateScope": f"local/{self.name}",
            "phase": phase,
            "startedAt": now,
        }
        more = {"boundaryID": use.boundary, "templateName": use.template, "message": message}
        node |= {key: value for key, value in more.items() if value}
        if inputs:
            node["inputs"] = {"parameters": [dict(each) for each in inputs]}
        if use.flag:
            node["nodeFlag"] = dict(use.flag)
        if is_done(node):
            node["finishedAt"] = now
        self.nodes[node["id"]] = node
        return node

    def mark(self, node: Body, phase: str, message: str | None = None) -> Body:
        """Give a node a phase, and a message unless it is None."""
        node["phase"] = phase
        if message:
            node["message"] = message
        elif message is not None:
            node.pop("message", None)
        if is_done(node):
            node.setdefault("finishedAt", text_at(self.now))
        return node

    def link(self, parent: Body, child: Body) -> None:
        """Put a node below another."""
        children = parent.setdefault("children", [])
        if child["id"] not in children:
            children.append(child["id"])

    def ends(self, node: Body) -> list[Body]:
        """The nodes after which a node is over: those that what comes next hangs on."""
        children = node.get("children") or []
        match node["type"]:
            case "TaskGroup" if children:
                return [end for child in self.children(node) for end in self.ends(child)]
            case "Retry" if children:
                return [self.nodes[children[-1]]]
            case "Steps" | "DAG" | "Retry":
                outbound = node.get("outboundNodes") or ()
                return [end for each in outbound for end in self.ends(self.nodes[each])]
        return [node]

    def add_globals(self, outputs: Body) -> None:
        """Make outputs with a globalName known to the whole Workflow."""
        for parameter in outputs.get("parameters") or ():
            if parameter.get("globalName") and parameter.get("value") is not None:
                self.globals[f"workflow.outputs.parameters.{parameter['globalName']}"] = parameter["value"]
