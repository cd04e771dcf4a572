"""Pods of a Workflow that have not started, as Argo tells of them. Pure; called by ``reconcilers.capacity``.

Argo (v4.1, ``getPendingReason``) writes into a node's message what the first waiting container says, as
``REASON: message``, else what the scheduler says, as ``Unschedulable: message``. Of a pod that is held back
by a scheduling gate, which is how Kueue does it, it says nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mlplane.adapters.trainresources import QUEUE_LABEL
from mlplane.api import Body
from mlplane.api.reading import at, mapping, mappings, text


@dataclass(frozen=True)
class PendingPod:
    """A pod that has not started."""

    step: str
    words: str
    """Why, in the words of scheduler or node; empty if nobody says."""
    since: datetime | None
    """When it was asked for; None where Argo does not say."""
    queue: str = ""
    """Kueue's queue that it may wait in."""


def pending_pods(workflow: Body) -> tuple[PendingPod, ...]:
    """Those of a Workflow; none while another pod of it runs, because they may wait for its GPUs."""
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    pods = [node for node in nodes if node.get("type") == "Pod"]
    if any(node.get("phase") == "Running" for node in pods):
        return ()
    queues = dict(_queues(workflow))
    pending = (node for node in pods if node.get("phase") == "Pending")
    return tuple(_read(node, queues) for node in pending)


def _read(node: Body, queues: dict[str, str]) -> PendingPod:
    step = text(node.get("templateName"))
    return PendingPod(step, text(node.get("message")), _moment(node.get("startedAt")), queues.get(step, ""))


def _queues(workflow: Body) -> Iterator[tuple[str, str]]:
    for template in mappings(at(workflow, "spec", "templates")):
        labels = mapping(at(template, "metadata", "labels"))
        yield text(template.get("name")), text(labels.get(QUEUE_LABEL))


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text(value))
    except ValueError:
        return None
