"""Who can mend what a Workflow failed by, and how: the class of a failure, and what to do. Pure.

Called by ``reconcilers.runoutcome``. Argo (v4.1, ``inferFailedReason``) writes into the message of a node
what the pod's status says, such as an eviction; else the first container that failed, as
``main: REASON (exit code N): the end of its log``. Nothing is read from a log: it may hold anything. What
the exit codes of steps mean stands in ``steps.__main__``.
"""

import re
from dataclasses import dataclass

from mlplane import tasks
from mlplane.adapters.workflowoutcome import failed_pod
from mlplane.api import Body
from mlplane.api.reading import at, mapping, mappings, text
from mlplane.api.trainingrun import FailureClass


@dataclass(frozen=True)
class Failure:
    """What a failure was, and what to do about it."""

    failure_class: FailureClass
    advice: str
    """The end of a sentence that begins with what happened."""


_ANOTHER_RUN = "create a run with another name"
_GOES_ON = f"{_ANOTHER_RUN}, which goes on from the last checkpoint"
_OPERATOR = f"an operator has to act; then {_ANOTHER_RUN}"

TOO_LATE = Failure("User", f"raise spec.activeDeadlineSeconds or train for less, then {_GOES_ON}")
STOPPED = Failure("User", f"somebody has stopped the Workflow; {_GOES_ON}")
SCRIPT = Failure("User", f"correct the code or the parameters, then {_ANOTHER_RUN}")
OUT_OF_MEMORY = Failure("User", f"raise spec.memory or use smaller batches, then {_GOES_ON}")
OUT_OF_GPU_MEMORY = Failure(
    "User", f"use smaller batches, or another spec.gpuType whose GPUs have more memory, then {_GOES_ON}"
)
GPU_FAILS = Failure("System", f"the GPU of its node failed in four tries: {_OPERATOR}")
TOO_MUCH_WRITTEN = Failure("User", f"keep less on the disk of the pod, then {_ANOTHER_RUN}")
DATA = Failure(
    "Data", f"correct the Dataset, or what the run asks of it in spec.evaluation, then {_ANOTHER_RUN}"
)
TRIED_ENOUGH = Failure("System", f"git or the store did not answer in four tries; when they do, {_GOES_ON}")
NODE_IS_SHORT = Failure("System", f"the nodes have too little memory or disk: {_OPERATOR}")
SMALL_SHARED_MEMORY = Failure("System", f"the pool's sharedMemory is too small: {_OPERATOR}")
NO_COMMAND = Failure(
    "System", f"the image needs python and mlplane in it: correct spec.image, then {_ANOTHER_RUN}"
)
SURROUNDINGS = Failure("System", _OPERATOR)
PREEMPTED = Failure("Preempted", f"its pods were taken away again and again; {_GOES_ON}")

_CODES = {
    1: SCRIPT,
    2: TRIED_ENOUGH,
    3: DATA,
    4: PREEMPTED,
    5: SURROUNDINGS,
    6: OUT_OF_MEMORY,
    7: OUT_OF_GPU_MEMORY,
    8: GPU_FAILS,
    137: PREEMPTED,
    143: PREEMPTED,
}
"""Exit codes of ``steps.__main__``, and those of a killed process, which is how a preempted pod ends."""
_NOT_STARTED = (64, 65, 126, 127, 128)
"""Exit codes of a command that could not be started, Argo's own among them."""
_CONTAINER = re.compile(r"(?P<name>[-\w]+): (?P<reason>.{0,80}?) \(exit code (?P<code>\d+)\)")
_DEADLINE = re.compile(
    r"Step exceeded its deadline|retry exceeded workflow deadline|Max duration limit exceeded"
    r"|Pod was active on the node longer than the specified deadline"
)
_OF_PODS: tuple[tuple[str, Failure], ...] = (
    (r"^(workflow shutdown|Stopped) with strategy", STOPPED),
    (r"Usage of EmptyDir volume \"shm\"", SMALL_SHARED_MEMORY),
    (r"exceeds the (total )?limit|exceeded its local ephemeral storage", TOO_MUCH_WRITTEN),
    (r"low on resource|node had condition", NODE_IS_SHORT),
    (r"pod deleted|node shutdown|^Preempted|plane was stopped|process was lost|PodGC|[Tt]aint", PREEMPTED),
)
"""What the status of a pod says, or Argo itself where there is no pod any more."""


def failure_of(workflow: Body) -> Failure:
    """The failure of a Workflow that has failed."""
    nodes = mappings(list(mapping(at(workflow, "status", "nodes")).values()))
    if any(_DEADLINE.match(text(node.get("message"))) for node in nodes):
        return TOO_LATE
    pod = failed_pod(workflow)
    message = text(at(workflow, "status", "message")) if pod is None else text(pod.get("message"))
    if container := _CONTAINER.match(message):
        step = text((pod or {}).get("templateName"))
        return _of_container(container["name"], container["reason"], int(container["code"]), step)
    return next((found for words, found in _OF_PODS if re.search(words, message[:500])), SURROUNDINGS)


def _of_container(name: str, reason: str, code: int, step: str) -> Failure:
    if name != "main":
        return SURROUNDINGS  # Argo's own: it could not begin, or not report what the step put out
    if reason == "OOMKilled":
        return OUT_OF_MEMORY if step == tasks.TRAIN else NODE_IS_SHORT
    if code in _NOT_STARTED:
        return NO_COMMAND
    return _CODES.get(code, SCRIPT)
