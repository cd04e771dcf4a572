"""What keeps a node from beginning: parallelism, failFast and timeouts. Pure."""

from collections.abc import Callable

from mlplane.api import Body
from mlplane.local.workflows.calls import Call
from mlplane.local.workflows.clock import later
from mlplane.local.workflows.phases import has_failed
from mlplane.local.workflows.walk import Postponed, Walk

FAILED_FAST = "template has failed or errored children and failFast enabled"
_COUNTED = ("Pod", "Steps", "DAG")
_ACTIVE = ("Pending", "Running")


class TimedOut(Exception):
    """A node waited longer than its template's timeout."""


def check_timeouts(walk: Walk, call: Call, node: Body | None) -> None:
    """Fail a node that waits longer than it may; remember when it will be too long.

    Raises:
        TimedOut: it was.
    """
    if node is None or node["phase"] != "Pending":
        return
    for field in ("timeout", "pendingTimeout"):
        if text := call.template.get(field):
            end = later(node["startedAt"], call.seconds(text))
            if walk.now >= end:
                walk.mark(node, "Failed", "timeout")
                raise TimedOut("timeout")
            walk.wakes.append(end)


def check_parallelism(walk: Walk, call: Call, node: Body | None) -> None:
    """Raise ``Postponed`` if a node may not begin, or go on, now."""
    template = call.template
    if node is not None and ("steps" in template or "dag" in template):
        _check_fail_fast(walk, template, node)
    if node is None:
        check_pods(walk)
    boundary = walk.nodes.get(call.use.boundary)
    if boundary is None or (node is not None and node["phase"] in _ACTIVE):
        return
    template = walk.template(boundary["templateName"])
    _check_fail_fast(walk, template, boundary)
    limit = template.get("parallelism")
    if limit and _count(walk, boundary, lambda each: each["phase"] in _ACTIVE) >= limit:
        raise Postponed


def check_pods(walk: Walk) -> None:
    """Raise ``Postponed`` if as many Pods run as the Workflow allows."""
    limit = walk.spec.get("parallelism")
    if limit is not None and active_pods(walk) >= limit:
        raise Postponed


def active_pods(walk: Walk, boundary: str = "") -> int:
    """How many Pods, of one boundary or of all, are there or are about to be, and not over."""
    made = {pod["metadata"]["name"] for pod in walk.create}
    found = [
        node
        for node in walk.nodes.values()
        if node["type"] == "Pod" and node["phase"] in _ACTIVE and boundary in ("", node.get("boundaryID"))
    ]
    names = (walk.pod_name(node["name"], node.get("templateName", "")) for node in found)
    return sum(1 for name in names if name in walk.pods or name in made)


def _check_fail_fast(walk: Walk, template: Body, boundary: Body) -> None:
    """A template with ``failFast`` begins nothing more after a failure, and fails when nothing runs."""
    if not template.get("failFast") or not _count(walk, boundary, has_failed):
        return
    if active_pods(walk, boundary["id"]) == 0:
        groups = [
            node
            for node in walk.nodes.values()
            if node["type"] == "StepGroup" and node.get("boundaryID") == boundary["id"]
        ]
        for node in (*groups[-1:], boundary):
            walk.mark(node, "Failed", FAILED_FAST)
    raise Postponed


def _count(walk: Walk, boundary: Body, counts: Callable[[Body], bool]) -> int:
    return sum(
        1
        for node in walk.nodes.values()
        if node.get("boundaryID") == boundary["id"] and node["type"] in _COUNTED and counts(node)
    )
