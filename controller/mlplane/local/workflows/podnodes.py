"""Nodes of type Pod: container and script templates. Pure."""

from mlplane.api import Body
from mlplane.local.workflows import podstates
from mlplane.local.workflows.calls import Call
from mlplane.local.workflows.gotext import compact
from mlplane.local.workflows.limits import check_pods
from mlplane.local.workflows.phases import is_done
from mlplane.local.workflows.pods import deadline_of, pod_for, wants_result
from mlplane.local.workflows.walk import Walk

LATE = "Step exceeded its deadline"


def run(walk: Walk, call: Call) -> Body:
    """The node of a Pod, which is asked for if it is not there.

    Raises:
        Unresolvable: its template cannot be filled in.
        Postponed: the Workflow's parallelism is reached.
    """
    node = walk.named(call.node_name)
    template = call.filled()
    found = walk.pods.get(walk.pod_name(call.node_name, template["name"]))
    if node is not None and (found is not None or node["phase"] != "Pending"):
        return node
    if found is None:
        check_pods(walk)
    if node is None:
        node = walk.add(call.use, "Pod", "Pending", inputs=call.inputs)
        node["progress"] = podstates.DEFAULT_PROGRESS
    if found is not None:
        observe(walk, node)
    else:
        _make(walk, call, node, template)
    return node


def _make(walk: Walk, call: Call, node: Body, template: Body) -> None:
    if not walk.may_run(on_exit=call.use.on_exit):
        walk.mark(node, "Failed", f"workflow shutdown with strategy: {walk.shutdown}")
        return
    limit = deadline_of(walk, call, node, template)
    if limit is not None and limit <= 0:
        walk.mark(node, "Failed", LATE)
        return
    boundary = walk.nodes.get(call.use.boundary)
    above = compact(walk.template(boundary["templateName"])) if boundary else ""
    pod = pod_for(walk.workflow, walk.spec, call, template, wants_result=wants_result(call, above))
    if limit is not None:
        pod["spec"]["activeDeadlineSeconds"] = limit
    walk.create.append(pod)


def observe(walk: Walk, node: Body) -> None:
    """Bring a node that is not over up to what its Pod says."""
    pod = walk.pod_of(node)
    if pod is None:
        if node["phase"] == "Running":
            walk.mark(node, "Error", "pod deleted")
        elif walk.is_late and not walk.is_of_exit_handler(node):
            walk.mark(node, "Failed", LATE)
        return
    seen = podstates.assess(pod, node)
    node.pop("message", None)
    node.update(seen)
    if is_done(node):
        walk.add_globals(node.get("outputs") or {})
        return
    on_exit = walk.is_of_exit_handler(node)
    if not walk.may_run(on_exit=on_exit):
        # Two spaces, as Argo has them.
        walk.mark(node, "Failed", f"workflow shutdown with strategy:  {walk.shutdown}")
    elif walk.is_late and not on_exit:
        walk.mark(node, "Failed", LATE)


def observe_all(walk: Walk) -> None:
    """Bring all nodes that are not over, and wait for nothing but Pods and people, up to date."""
    for node in list(walk.nodes.values()):
        if is_done(node):
            continue
        if node["type"] == "Pod":
            observe(walk, node)
        elif node["type"] == "Suspend":
            _end_waiting(walk, node)


def _end_waiting(walk: Walk, node: Body) -> None:
    on_exit = walk.is_of_exit_handler(node)
    if not walk.may_run(on_exit=on_exit):
        walk.mark(node, "Failed", f"Stopped with strategy '{walk.shutdown}'")
    elif walk.is_late and not on_exit:
        walk.mark(node, "Failed", LATE)


def to_stop(walk: Walk) -> tuple[str, ...]:
    """Names of Pods that still run although nothing more comes of their nodes."""
    nodes = (node for node in walk.nodes.values() if node["type"] == "Pod" and is_done(node))
    pods = (walk.pod_of(node) for node in nodes)
    return tuple(pod.body["metadata"]["name"] for pod in pods if pod and not podstates.is_over(pod.body))
