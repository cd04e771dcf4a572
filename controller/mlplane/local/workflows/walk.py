"""Walks through a Workflow's templates and works out its nodes anew. Pure.

Kept from the status before: nodes of Pods that have ended and steps that were skipped, and times.
All others follow from their children.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlplane.api import Body
from mlplane.local.workflows import identity, podstates
from mlplane.local.workflows.calls import Call, filled, parameters_of
from mlplane.local.workflows.pods import pod_for
from mlplane.local.workflows.podstates import PodState
from mlplane.local.workflows.retries import DONE, FAILED, after
from mlplane.local.workflows.templating import Scope, Unresolvable, is_absent, should_execute, substitute


@dataclass
class Walk:
    """The state of one pass: what is known, and what has come of it so far."""

    workflow: Body
    spec: Body
    pods: Mapping[str, PodState]
    now: str
    nodes: dict[str, Body] = field(default_factory=dict)
    create: list[Body] = field(default_factory=list)
    stop: list[str] = field(default_factory=list)
    """Names of Pods to end."""

    def __post_init__(self) -> None:
        self.name: str = self.workflow["metadata"]["name"]
        self.shutdown: str = self.spec.get("shutdown") or ""
        self._old: Mapping[str, Body] = (self.workflow.get("status") or {}).get("nodes") or {}
        self._templates = {template["name"]: template for template in self.spec["templates"]}

    def execute(self, template_name: str, arguments: Scope, node_name: str, boundary: Body | None) -> Body:
        """The node of one use of a template.

        Raises:
            Unresolvable: the template cannot be filled in.
        """
        template = filled(self._templates[template_name], arguments)
        call = Call(node_name, template, boundary)
        if template.get("retryStrategy") is not None:
            return self._retry(call)
        return self._run(call)

    def _run(self, call: Call) -> Body:
        return self._steps(call) if "steps" in call.template else self._pod(call)

    # Nodes.

    def _node(self, call: Call, type_: str, phase: str, **more: Any) -> Body:
        """Add a node, or replace it; its times and children go on from what they were."""
        node: Body = {
            "id": identity.node_id(self.name, call.node_name),
            "name": call.node_name,
            "displayName": call.node_name,
            "type": type_,
            "templateScope": f"local/{self.name}",
            "phase": phase,
        }
        if call.template:
            node["templateName"] = call.template["name"]
            if inputs := (call.template.get("inputs") or {}).get("parameters"):
                node["inputs"] = {"parameters": inputs}
        if call.boundary is not None:
            node["boundaryID"] = call.boundary["id"]
            node["displayName"] = identity.display_name(call.node_name, call.boundary["name"])
        if call.is_retry:
            node["nodeFlag"] = {"retried": True}
        old, made = self._old.get(node["id"]) or {}, self.nodes.get(node["id"]) or {}
        node["startedAt"] = old.get("startedAt") or self.now
        node |= {key: value for key, value in more.items() if value}
        if phase in DONE:
            node["finishedAt"] = old.get("finishedAt") or node.get("finishedAt") or self.now
        if made.get("children"):
            node["children"] = made["children"]
        self.nodes[node["id"]] = node
        return node

    @staticmethod
    def _link(parent: Body, child: Body) -> None:
        children = parent.setdefault("children", [])
        if child["id"] not in children:
            children.append(child["id"])

    # Pods.

    def _pod(self, call: Call) -> Body:
        old = self._old.get(identity.node_id(self.name, call.node_name)) or {}
        name = identity.pod_name(self.name, call.node_name, call.template["name"])
        pod = self.pods.get(name)
        if old.get("phase") in DONE:
            node = {key: value for key, value in old.items() if key != "children"}
            self.nodes[node["id"]] = node
            if pod is not None and not podstates.is_over(pod.body) and self.shutdown:
                self.stop.append(name)
            return node
        if pod is None:
            return self._absent_pod(call, old)
        outputs = (call.template.get("outputs") or {}).get("parameters") or []
        seen = podstates.assess(pod, outputs, old)
        if self.shutdown and not podstates.is_over(pod.body):
            self.stop.append(name)
            # Two spaces, as Argo has them.
            seen |= {"phase": "Failed", "message": f"workflow shutdown with strategy:  {self.shutdown}"}
        return self._node(call, "Pod", seen.pop("phase"), **seen)

    def _absent_pod(self, call: Call, old: Body) -> Body:
        progress = old.get("progress") or podstates.DEFAULT_PROGRESS
        if old.get("phase") == "Running":
            return self._node(call, "Pod", "Error", message="pod deleted", progress=progress)
        if self.shutdown:
            message = f"workflow shutdown with strategy: {self.shutdown}"
            return self._node(call, "Pod", "Failed", message=message, progress=progress)
        self.create.append(pod_for(self.workflow, self.spec, call.node_name, call.template))
        return self._node(call, "Pod", "Pending", progress=progress)

    # Retries.

    def _retry(self, call: Call) -> Body:
        strategy = call.template["retryStrategy"]
        attempts: list[Body] = []
        while True:
            name = f"{call.node_name}({len(attempts)})"
            attempts.append(self._run(Call(name, call.template, call.boundary, is_retry=True)))
            phase, message, again = after(attempts, strategy, self.shutdown)
            if not again:
                break
        outputs = attempts[-1].get("outputs") if phase in DONE else None
        node = self._node(call, "Retry", phase, message=message, outputs=outputs)
        for attempt in attempts:
            self._link(node, attempt)
        return node

    # Steps.

    def _steps(self, call: Call) -> Body:
        node = self._node(call, "Steps", "Running")
        inputs = (call.template.get("inputs") or {}).get("parameters") or ()
        scope = dict(self.globals) | {f"inputs.parameters.{p['name']}": p["value"] for p in inputs}
        before = [node]
        for number, group in enumerate(call.template["steps"]):
            group_call = Call(f"{call.node_name}[{number}]", {}, node)
            group_node = self._group(group_call, node, group, scope)
            for parent in before:
                self._link(parent, group_node)
            if group_node["phase"] not in DONE:
                return node
            before = [end for child in group_node.get("children", ()) for end in self._ends(child)] or [
                group_node
            ]
            if group_node["phase"] in FAILED:
                return self._steps_done(call, "Failed", before, group_node.get("message", ""))
        return self._steps_done(call, "Succeeded", before, "")

    def _steps_done(self, call: Call, phase: str, ends: list[Body], message: str) -> Body:
        return self._node(call, "Steps", phase, message=message, outboundNodes=[end["id"] for end in ends])

    def _ends(self, node_id: str) -> list[Body]:
        """The nodes after which a node is over: those that the next group hangs on."""
        node = self.nodes[node_id]
        if node["type"] == "Retry":
            return self._ends(node["children"][-1])
        if node["type"] == "Steps":
            return [end for outbound in node.get("outboundNodes", ()) for end in self._ends(outbound)]
        return [node]

    def _group(self, call: Call, steps_node: Body, group: list[Body], scope: dict[str, str | None]) -> Body:
        """The node of a group of parallel steps; outputs of its steps come into the scope when it is done."""
        node = self._node(call, "StepGroup", "Running")
        for step in group:
            name = f"{call.node_name}.{step['name']}"
            try:
                child = self._step(step, name, steps_node, scope)
            except Unresolvable as error:
                message = f"step group deemed errored due to child {name} error: {error}"
                return self._node(call, "StepGroup", "Error", message=message)
            self._link(node, child)
        children = [self.nodes[child] for child in node.get("children", ())]
        if any(child["phase"] not in DONE for child in children):
            return node
        for child in children:
            if child["phase"] in FAILED:
                return self._node(call, "StepGroup", "Failed", message=f"child '{child['id']}' failed")
        for step, child in zip(group, children, strict=True):
            scope |= self._outputs(step, child)
        return self._node(call, "StepGroup", "Succeeded")

    def _step(self, step: Body, name: str, steps_node: Body, scope: Scope) -> Body:
        when = substitute(step.get("when") or "", scope)
        if not should_execute(when):
            call = Call(name, {"name": step["template"]}, steps_node)
            return self._node(call, "Skipped", "Skipped", message=f"when '{when}' evaluated false")
        given = (step.get("arguments") or {}).get("parameters") or ()
        arguments = {
            f"inputs.parameters.{p['name']}": None
            if is_absent(p["value"], scope)
            else substitute(p["value"], scope)
            for p in given
        }
        return self.execute(step["template"], dict(self.globals) | arguments, name, steps_node)

    def _outputs(self, step: Body, node: Body) -> dict[str, str | None]:
        """What later steps may refer to; a skipped step has its defaults."""
        declared = (self._templates[step["template"]].get("outputs") or {}).get("parameters") or ()
        made = {p["name"]: p.get("value") for p in (node.get("outputs") or {}).get("parameters") or ()}
        default = {p["name"]: p["valueFrom"].get("default") for p in declared}
        return {
            f"steps.{step['name']}.outputs.parameters.{name}": value
            for name, value in (default | made).items()
        }

    @property
    def globals(self) -> Scope:
        """Tags that are known everywhere."""
        meta = self.workflow["metadata"]
        return {
            "workflow.name": meta["name"],
            "workflow.namespace": meta["namespace"],
            "workflow.uid": meta["uid"],
            **{f"workflow.parameters.{p['name']}": str(p["value"]) for p in parameters_of(self.spec)},
        }
