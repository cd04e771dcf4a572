"""Whether a run can ever be given what it asks for, and what keeps its pods from starting. Pure.

Called by the reconciler of runs.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from mlplane import names
from mlplane.adapters.pendingpods import PendingPod, pending_pods
from mlplane.api import Body, TrainingRun
from mlplane.api.pools import shortage
from mlplane.api.trainingrun import FailureClass
from mlplane.capacity import Profile
from mlplane.reconcilers.state import Stalled, Waiting

_LIMIT = 1000
"""Characters of what others say."""


@dataclass(frozen=True)
class NotStarted:
    """What to say of a run whose pods do not start."""

    state: Waiting | Stalled | None
    """None while there is nothing to say yet."""
    failure_class: FailureClass | None = None
    """Who can mend it, where somebody has to."""
    again: timedelta | None = None
    """When there is more to say if nothing happens; no watch tells of time."""


def no_capacity(run: TrainingRun, profile: Profile) -> Stalled | None:
    """No pool of the operator's profile can ever take the run."""
    lacking = shortage(run.spec, profile)
    return Stalled(names.NO_SUCH_CAPACITY, f'run "{run.name}" {lacking}') if lacking else None


def not_started(workflow: Body, now: datetime, profile: Profile) -> NotStarted:
    """What keeps the pods of a Workflow from starting, if anything does, and none of it runs.

    Nothing is given up: when the pod starts after all, the run goes on.
    """
    said = [_judge(pod, now, profile) for pod in pending_pods(workflow)]
    # What needs a person comes first.
    return min(said, key=lambda each: not isinstance(each.state, Stalled), default=NotStarted(None))


_CAUSES: tuple[tuple[str, str, FailureClass, str], ...] = (
    (
        r"InvalidImageName\b",
        names.IMAGE_PULL_FAILED,
        "User",
        "correct spec.image in a run with another name",
    ),
    (
        r"(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|ImageInspectError|RegistryUnavailable"
        r"|SignatureValidationFailed)\b",
        names.IMAGE_PULL_FAILED,
        "System",
        "make the image available to the nodes, and the run goes on; or create a run with another image",
    ),
    (
        r"CreateContainerConfigError: .*\b[Ss]ecret\b",
        names.SECRET_MISSING,
        "User",
        "create the Secret with the keys that the script needs, and the run goes on",
    ),
    (
        r"(CreateContainerConfigError|CreateContainerError|RunContainerError)\b",
        names.CANNOT_START,
        "System",
        "an operator has to correct what it says; then the run goes on",
    ),
)
"""How the words of a pod begin that starts only if somebody acts, and what that is."""


def _judge(pod: PendingPod, now: datetime, profile: Profile) -> NotStarted:
    what = f"step {pod.step or 'without a name'} has not started: {pod.words[:_LIMIT]}"
    for pattern, reason, failure_class, advice in _CAUSES:
        if re.match(pattern, pod.words):
            return NotStarted(Stalled(reason, f"{what}; {advice}"), failure_class)
    if not pod.words and pod.queue:
        return NotStarted(Waiting(names.QUEUED, f'step {pod.step} waits in the queue "{pod.queue}"'))
    return _late(pod, what, now, profile)


def _late(pod: PendingPod, what: str, now: datetime, profile: Profile) -> NotStarted:
    """A pod that may start at any moment, until it has waited for too long."""
    left = timedelta(seconds=profile.pending_deadline_seconds) - (now - (pod.since or now))
    if left > timedelta(0):
        return NotStarted(None, again=left)
    for_long = f"for {profile.pending_deadline_seconds} seconds"
    if pod.words.startswith("Unschedulable"):
        advice = "free or add such nodes, and the run goes on; or create a run that asks for less"
        return NotStarted(Stalled(names.UNSCHEDULABLE, f"{what} ({for_long}); {advice}"), "System")
    words = pod.words[:_LIMIT] or "nobody says why"
    message = f"step {pod.step} has not started {for_long}: {words}; `kubectl describe pod` may say more"
    return NotStarted(Stalled(names.NOT_STARTED, message), "System")
