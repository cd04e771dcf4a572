"""Making and reading conditions: pure functions over tuples of ``Condition``."""

from collections.abc import Iterable
from datetime import UTC, datetime

from mlplane.api.meta import Body, Condition
from mlplane.api.reading import at, mappings

MESSAGE_LIMIT = 2048


def condition(
    type_: str, *, holds: bool | None, reason: str, message: str, generation: int, now: datetime
) -> Condition:
    """A condition that changed now; ``holds=None`` means Unknown. Long messages are cut."""
    status = {True: "True", False: "False", None: "Unknown"}[holds]
    if len(message) > MESSAGE_LIMIT:
        message = message[: MESSAGE_LIMIT - 1] + "…"
    return Condition(
        type=type_,
        status=status,
        observed_generation=generation,
        last_transition_time=timestamp(now),
        reason=reason,
        message=message,
    )


def merged(old: Iterable[Condition], new: Iterable[Condition]) -> tuple[Condition, ...]:
    """The new conditions; one whose status did not change keeps its old transition time."""
    before = {c.type: c for c in old}
    return tuple(
        c.model_copy(update={"last_transition_time": before[c.type].last_transition_time})
        if c.type in before and before[c.type].status == c.status
        else c
        for c in new
    )


def of(body: Body | None, type_: str) -> Body | None:
    """The condition of that type in an object's status, as JSON; None where it has none."""
    conditions = mappings(at(body, "status", "conditions"))
    return next((c for c in conditions if c.get("type") == type_), None)


def is_true(body: Body | None, type_: str) -> bool:
    """Whether the object's condition of that type is True."""
    return (of(body, type_) or {}).get("status") == "True"


def is_current(body: Body, type_: str = "Ready") -> bool:
    """Whether the condition is True and speaks of the object's present generation."""
    found = of(body, type_) or {}
    generation = at(body, "metadata", "generation")
    return found.get("status") == "True" and found.get("observedGeneration") == generation


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with seconds, as Kubernetes writes metav1.Time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
