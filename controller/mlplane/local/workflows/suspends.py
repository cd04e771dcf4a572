"""Suspend templates: nodes that wait for a time, or until somebody resumes them. Pure.

Who resumes a node (``argo resume``, or a patch) gives it the phase Succeeded; the next pass goes on from
there.
"""

from mlplane.api import Body
from mlplane.local.workflows.calls import Call
from mlplane.local.workflows.clock import later
from mlplane.local.workflows.gotext import text_of
from mlplane.local.workflows.walk import Walk


def run(walk: Walk, call: Call) -> Body:
    """The node of a suspend template."""
    node = walk.named(call.node_name) or _begun(walk, call)
    walk.mark(node, "Running")
    duration = call.filled()["suspend"].get("duration")
    if duration:
        end = later(node["startedAt"], call.seconds(duration))
        if walk.now >= end:
            return _resumed(walk, node)
        walk.wakes.append(end)
    return node


def _begun(walk: Walk, call: Call) -> Body:
    node = walk.add(call.use, "Suspend", "Running", inputs=call.inputs)
    inputs = {each["name"]: each.get("default") for each in call.inputs}
    parameters = []
    for declared in (call.template.get("outputs") or {}).get("parameters") or ():
        source = dict(declared["valueFrom"])
        if "default" not in source and inputs.get(declared["name"]) is not None:
            source["default"] = inputs[declared["name"]]
        parameters.append({**declared, "valueFrom": source})
    if parameters:
        node["outputs"] = {"parameters": parameters}
    return node


def _resumed(walk: Walk, node: Body) -> Body:
    """Its time is over: outputs that nobody has supplied get their defaults."""
    for parameter in (node.get("outputs") or {}).get("parameters") or ():
        default = (parameter.get("valueFrom") or {}).get("default")
        if parameter.get("value") is None and default is None:
            name = parameter["name"]
            message = f"raw output parameter '{name}' has not been set and does not have a default value"
            return walk.mark(node, "Error", message)
        if parameter.get("value") is None:
            parameter["value"] = text_of(default)
            parameter.pop("valueFrom", None)
    return walk.mark(node, "Succeeded")
