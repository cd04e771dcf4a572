"""What a Pod says about its node: pure, with Argo's words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mlplane.api import Body
from mlplane.local.nodenames import NODE_LOST, NODE_SHUTDOWN
from mlplane.local.workflows.gotext import text_of
from mlplane.local.workflows.identity import MAIN_CONTAINER
from mlplane.local.workflows.podoutputs import outputs_of
from mlplane.local.workflows.resourceusage import usage_of

DEFAULT_PROGRESS = "0/1"
REFUSED = "Refused"
"""Reason of a Pod that the API server did not take."""
_PROGRESS = re.compile(r"(\d+)/(\d+)")


@dataclass(frozen=True)
class PodState:
    """A Pod, and what its container has written."""

    body: Body
    files: Mapping[str, str] = field(default_factory=dict)
    """Content of those output files that exist, by the path that the container knows them by."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Why output files that exist cannot be taken."""
    progress: str = ""
    """Last line of the progress file."""
    stdout: str | None = None
    """Standard output, if it was to be kept."""


def assess(pod: PodState, old: Body) -> Body:
    """The fields of a node that its Pod determines.

    Args:
        pod: The Pod.
        old: The node as it was.
    """
    phase, message = _phase(pod.body)
    node: Body = {
        "phase": phase,
        "progress": _progress(pod.progress) or old.get("progress") or DEFAULT_PROGRESS,
    }
    node["hostNodeName"] = pod.body["spec"].get("nodeName", "")
    if phase in ("Succeeded", "Failed", "Error"):
        found, missing = _outputs(pod)
        if phase == "Succeeded" and missing:
            node["phase"], message = "Error", missing
        node |= {"outputs": found} if found else {}
        node["finishedAt"] = _finished_at(pod.body) or old["startedAt"]
        node["resourcesDuration"] = usage_of(pod.body)
    return node | ({"message": message} if message else {})


def refused(pod: Body, why: str) -> PodState:
    """Stands for a Pod that could not be made, and never will be."""
    return PodState({**pod, "status": {"phase": "Failed", "reason": REFUSED, "message": why}})


def is_over(pod: Body) -> bool:
    """Whether the Pod has ended."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_progress(text: str) -> bool:
    """Whether a text is ``N/M`` with N at most M, and M not zero."""
    found = _PROGRESS.fullmatch(text)
    return found is not None and 0 < int(found[2]) >= int(found[1])


def _progress(text: str) -> str:
    return text if is_progress(text) else ""


def _phase(pod: Body) -> tuple[str, str]:
    status = pod.get("status") or {}
    match status.get("phase") or "Pending":
        case "Pending":
            return "Pending", _pending_reason(status)
        case "Running":
            return "Running", ""
        case "Succeeded":
            return "Succeeded", ""
        case "Failed":
            return _failure(status)
        case other:
            return "Error", f"Unexpected pod phase for {pod['metadata']['name']}: {other}"


def _pending_reason(status: Body) -> str:
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting")
        if waiting:
            message = waiting.get("message")
            return f"{waiting.get('reason')}: {message}" if message else waiting.get("reason") or ""
    for condition in status.get("conditions") or ():
        if condition.get("reason") == "Unschedulable":
            message = condition.get("message")
            return f"Unschedulable: {message}" if message else "Unschedulable"
    return ""


def _failure(status: Body) -> tuple[str, str]:
    """A lost pod is an Error: on a cluster its object would be gone, which Argo calls an error too."""
    if status.get("message"):
        phase = "Error" if status.get("reason") in (NODE_LOST, NODE_SHUTDOWN, REFUSED) else "Failed"
        return phase, status["message"]
    for name, ended in terminated(status):
        if ended["exitCode"] != 0:
            message = f"{name}: {ended.get('reason')} (exit code {ended['exitCode']})"
            return "Failed", f"{message}: {ended['message']}" if ended.get("message") else message
    return "Failed", "pod failed: its main container did not complete successfully"


def terminated(status: Body) -> Iterator[tuple[str, Body]]:
    """The containers that have ended, by name: init containers first."""
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        ended = (container.get("state") or {}).get("terminated")
        if ended:
            yield container["name"], ended


def _finished_at(pod: Body) -> str:
    times = [ended.get("finishedAt") or "" for _, ended in terminated(pod.get("status") or {})]
    return max(times, default="")


def _outputs(pod: PodState) -> tuple[Body, str]:
    """What a Pod has put out, and what is wrong with the first parameter that has no value."""
    wanted = outputs_of(pod.body)
    found, problem = [], ""
    for parameter in wanted["parameters"]:
        value, why = _value(pod, parameter)
        problem = problem or (f"output parameter {parameter['name']}: {why}" if why else "")
        if not why:
            found.append({**parameter, "value": value})
    outputs: Body = {"parameters": found} if found else {}
    if wanted["result"] and pod.stdout is not None:
        outputs["result"] = pod.stdout.removesuffix("\n")
    ended = dict(terminated(pod.body.get("status") or {})).get(MAIN_CONTAINER)
    return outputs | ({"exitCode": str(ended["exitCode"])} if ended else {}), problem


def _value(pod: PodState, parameter: Body) -> tuple[str, str]:
    """A parameter's value, and why it has none."""
    source = parameter.get("valueFrom") or {}
    path, default = source.get("path", ""), source.get("default")
    if path in pod.unreadable:
        return "", pod.unreadable[path]
    value = pod.files.get(path, default)
    if value is None:
        return "", f"{path}: no such file"
    return text_of(value).removesuffix("\n"), ""
