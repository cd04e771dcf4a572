"""What is deleted when it is over: Pods by ``podGC``, the Workflow by ``ttlStrategy``. Pure."""

from collections.abc import Mapping
from datetime import datetime

from mlplane.api import Body
from mlplane.local.workflows.clock import NoDuration, later, moment, seconds_of
from mlplane.local.workflows.identity import NODE_ID_ANNOTATION
from mlplane.local.workflows.phases import COMPLETED, FAILED, is_done
from mlplane.local.workflows.pods import ended_at
from mlplane.local.workflows.podstates import PodState, is_over

POD_DELAY = 5.0
"""Seconds that an ended Pod stays, unless the Workflow says otherwise."""


def expiry(workflow: Body) -> datetime | None:
    """When a Workflow that is over is to be deleted; None if never."""
    status, strategy = workflow.get("status") or {}, workflow["spec"].get("ttlStrategy") or {}
    if status.get("phase") not in COMPLETED or not status.get("finishedAt"):
        return None
    own = "secondsAfterFailure" if status["phase"] in FAILED else "secondsAfterSuccess"
    seconds = strategy.get(own, strategy.get("secondsAfterCompletion"))
    return None if seconds is None else later(status["finishedAt"], seconds)


def pods_to_delete(workflow: Body, pods: Mapping[str, PodState]) -> dict[str, datetime]:
    """Names of Pods that are to be deleted, and when.

    Only Pods whose end is in the Workflow's recorded status: what they have put out is safe.
    """
    policy, status = workflow["spec"].get("podGC") or {}, workflow.get("status") or {}
    strategy, nodes = policy.get("strategy"), status.get("nodes") or {}
    found = {}
    for name, pod in pods.items():
        annotations = pod.body["metadata"].get("annotations") or {}
        node = nodes.get(annotations.get(NODE_ID_ANNOTATION, ""))
        if not strategy or node is None or not is_done(node) or not is_over(pod.body):
            continue
        if _is_due(strategy, pod.body, status) and _is_selected(policy, pod.body):
            found[name] = later(_since(strategy, pod.body, status), _delay(policy))
    return found


def _is_due(strategy: str, pod: Body, status: Body) -> bool:
    if strategy == "OnPodSuccess":
        return bool(pod["status"]["phase"] == "Succeeded")
    if strategy == "OnWorkflowSuccess":
        return status.get("phase") == "Succeeded"
    return strategy == "OnPodCompletion" or status.get("phase") in COMPLETED


def _is_selected(policy: Body, pod: Body) -> bool:
    wanted = (policy.get("labelSelector") or {}).get("matchLabels") or {}
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


def _since(strategy: str, pod: Body, status: Body) -> str:
    ended = ended_at(pod) or status.get("startedAt") or ""
    if strategy.startswith("OnPod"):
        return ended
    latest: str = max(ended, status["finishedAt"], key=moment)
    return latest


def _delay(policy: Body) -> float:
    try:
        return seconds_of(policy["deleteDelayDuration"]) if "deleteDelayDuration" in policy else POD_DELAY
    except NoDuration:
        return POD_DELAY
