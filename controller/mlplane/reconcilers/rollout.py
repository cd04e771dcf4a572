"""How an InferenceService gets from one model to another without a moment in which nobody answers.

KServe deletes the Deployment and the Service of a predictor that is not in the spec any more, and moves the
traffic only after that. So the new model starts as a canary without traffic, gets all of it when it is ready,
and becomes the predictor when the traffic has moved. Pure: where a rollout stands is read from the
InferenceService alone, so that a controller that starts in the middle goes on. Called by ``modelserver``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from mlplane.adapters.kserve import Served, Serving, serving_of
from mlplane.adapters.kservestatus import canary_status, changed_at, endpoint_of, has_served
from mlplane.api import Body

SETTLES = timedelta(seconds=5)
"""How long a gateway may take to follow a route that KServe has changed; nothing reports that it has."""
DEADLINE = timedelta(minutes=10)
"""How long a new model may take to become ready, as with a Deployment."""


@dataclass(frozen=True)
class Step:
    """The next step of a rollout."""

    serving: Serving
    """What the InferenceService is to serve from now on."""
    look_again: timedelta | None = None
    """When time alone makes a difference; None if it does not."""
    is_overdue: bool = False
    """Whether the new model has had its time; it goes on starting."""


def next_step(service: Body | None, wanted: Served, now: datetime) -> Step:
    """What the InferenceService is to serve, so that in the end it serves what is wanted.

    Args:
        service: The InferenceService as it is; None where there is none.
        wanted: The model to be served in the end.
        now: Present time.
    """
    found = serving_of(service) if service else None
    if service is None or found is None or not has_served(service):
        return Step(Serving(wanted))  # nobody answers who could be interrupted
    age = now - (changed_at(service) or now)
    if found.canary and found.percent and canary_status(service, found.canary.predictor).is_ready:
        return _ended(service, found, found.canary, age)
    if found.stable.predictor == wanted.predictor:
        return Step(Serving(wanted))
    if not canary_status(service, wanted.predictor).is_ready or found.canary != wanted:
        is_overdue = found.canary == wanted and age >= DEADLINE
        look_again = None if is_overdue else DEADLINE - (age if found.canary == wanted else timedelta())
        return Step(Serving(found.stable, wanted), look_again, is_overdue)
    if endpoint_of(service).state != "Ready":
        return Step(Serving(wanted))  # KServe moves no traffic while the predictor is away, and none is lost
    return Step(Serving(found.stable, wanted, 100), SETTLES)


def _ended(service: Body, found: Serving, canary: Served, age: timedelta) -> Step:
    """Promote the canary that has the traffic, whatever is wanted by now: it must not be taken away."""
    has_moved = canary_status(service, canary.predictor).percent == found.percent and age >= SETTLES
    if has_moved or endpoint_of(service).state != "Ready":
        return Step(Serving(canary))
    return Step(found, max(SETTLES - age, timedelta(seconds=1)))
