"""What is said of a rollout: whether somebody answers, which version, and what the next one waits for.

Pure. Ready means that requests are answered, so it stays True while a new version starts beside the old one;
Reconciling or Stalled tell of the new one then. Called by ``modelserver``.
"""

from dataclasses import dataclass

from mlplane import names
from mlplane.adapters.kserve import POD_LABEL, serving_of, workload_of
from mlplane.adapters.kservestatus import NOT_SEEN, Endpoint, endpoint_of
from mlplane.api import Body
from mlplane.api.judgement import PinnedRef
from mlplane.api.reading import at, text
from mlplane.reconcilers.rollout import DEADLINE, Step
from mlplane.reconcilers.state import Ready, Stalled, State, Waiting


@dataclass(frozen=True)
class Progress:
    """How far an InferenceService is with the version that is wanted."""

    state: State
    version: PinnedRef
    """The version that answers; the wanted one where none does."""
    url: str = ""
    is_rolling: bool = False
    """Whether a version answers and another one is on its way."""


def progress_of(service: Body | None, step: Step, wanted: PinnedRef, old: PinnedRef | None) -> Progress:
    """What an InferenceService has come to.

    Args:
        service: The InferenceService as it was read; None where there is none.
        step: What is done about it now.
        wanted: The version to be served in the end.
        old: The version that its predictor serves, if there is a record of it.
    """
    serving = serving_of(service) if service else None
    if service is None or serving is None:
        return Progress(_deploying(wanted, Endpoint("Pending", NOT_SEEN)), wanted)
    endpoint = endpoint_of(service)
    if serving.stable.digest == wanted.digest:
        return Progress(_deploying(wanted, endpoint), wanted, endpoint.url)
    was = old.name if old else serving.stable.predictor
    if endpoint.state == "Ready":
        return Progress(_rolling(service, step, wanted, was), old or wanted, endpoint.url, is_rolling=True)
    if step.serving.canary is None:
        return Progress(_deploying(wanted, Endpoint("Pending", NOT_SEEN)), wanted)
    return Progress(_interrupted(service, step, wanted, was, endpoint), old or wanted, endpoint.url)


def _deploying(version: PinnedRef, endpoint: Endpoint) -> State:
    match endpoint.state:
        case "Ready":
            return Ready(names.SERVING, f'ModelVersion "{version.name}" answers at {endpoint.url}')
        case "Failed":
            what = f"cannot be loaded: {endpoint.message}; serve another version"
            return Stalled(names.LOAD_FAILED, f'ModelVersion "{version.name}" {what}')
    what = f"is being rolled out: {endpoint.message}"
    return Waiting(names.DEPLOYING, f'ModelVersion "{version.name}" {what}')


def _rolling(service: Body, step: Step, wanted: PinnedRef, was: str) -> Ready:
    answers = f'ModelVersion "{was}" answers at {text(at(service, "status", "url"))}'
    reason = names.ROLLOUT_STALLED if step.is_overdue else names.ROLLING_OUT
    return Ready(reason, f"{answers}; {_waits(service, step, wanted)}")


def _interrupted(service: Body, step: Step, wanted: PinnedRef, was: str, endpoint: Endpoint) -> State:
    """Neither the old version answers nor the new one; both are kept, for either may come."""
    message = f'ModelVersion "{was}" does not answer: {endpoint.message}; {_waits(service, step, wanted)}'
    return Stalled(names.ROLLOUT_STALLED, message) if step.is_overdue else Waiting(names.DEPLOYING, message)


def _waits(service: Body, step: Step, wanted: PinnedRef) -> str:
    """What the new version waits for, and where to look."""
    canary = step.serving.canary
    who = f'ModelVersion "{wanted.name}"'
    if wanted.digest not in (step.serving.stable.digest, canary.digest if canary else ""):
        return f"{who} is being rolled out: the version before it is finished with first"
    if canary is None or step.serving.percent:
        return f"{who} is being rolled out: it is ready, and the traffic moves to it"
    label = f"{POD_LABEL}{workload_of(service, canary.predictor)}"
    look = f"kubectl describe pods --namespace {text(at(service, 'metadata', 'namespace'))} -l {label}"
    if step.is_overdue:
        minutes = int(DEADLINE.total_seconds() // 60)
        what = f"has not become ready within {minutes} minutes"
        return f"{who} {what}: see what `{look}` says, and correct it or serve another version"
    return f"{who} is being rolled out: it is not ready yet; `{look}` shows how far it is"
