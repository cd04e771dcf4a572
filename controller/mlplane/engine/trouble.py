"""The status of an object that could not be dealt with: facts stay, and conditions say what is wrong.

Works on plain JSON, since one of the troubles is that the object is not what its kind says. Pure; called by
``loop``.
"""

from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.api.conditions import condition, merged, of
from mlplane.api.meta import Body, Condition
from mlplane.api.reading import at

SHOWN = 3


def troubled(body: Body, reason: str, message: str, now: datetime) -> Body:
    """The object's status, but Ready=False and Stalled=True for this reason; facts and the rest stay."""
    old = body.get("status")
    status: Body = dict(old) if isinstance(old, dict) else {}
    before = _conditions(status.get("conditions"))
    generation = body["metadata"].get("generation", 0)
    mine = [
        condition(kind, holds=holds, reason=reason, message=message, generation=generation, now=now)
        for kind, holds in ((names.READY, False), (names.STALLED, True))
    ]
    others = [c for c in before if c.type not in (names.READY, names.STALLED, names.RECONCILING)]
    status["conditions"] = [c.to_body() for c in (*merged(before, mine), *others)]
    status["observedGeneration"] = generation
    return status


def is_trouble(status: Body) -> bool:
    """Whether a status says no more than that there is trouble."""
    reason = at(of({"status": status}, names.READY), "reason")
    return reason in (names.INVALID_OBJECT, names.API_ERROR)


def described(error: Exception) -> str:
    """What is wrong with what was read, in one sentence: the first few fields, without their values."""
    if not isinstance(error, ValidationError):
        return (
            f"something that was read for it cannot be understood ({type(error).__name__}: {error}): "
            "the log of the controller says where"
        )
    faults = error.errors(include_input=False, include_url=False)
    shown = "; ".join(f"{'.'.join(map(str, f['loc'])) or 'object'}: {f['msg']}" for f in faults[:SHOWN])
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return f"a stored {error.title} is not valid: correct {shown}{more}"


def _conditions(raw: object) -> list[Condition]:
    """The conditions that can be read."""
    found = []
    for item in raw if isinstance(raw, list) else ():
        try:
            found.append(Condition.model_validate(item))
        except ValidationError:
            continue
    return found
