"""What a plan says in words, the same in a terminal and in a pull request. Pure.

Called by ``gitops.planningmarkdown`` and ``cli.planpage``.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from mlplane.api.planned import Effect, FieldChange, Gpus, Plan

SIGNS = {"Created": "+", "Changed": "~", "Deleted": "-", "Refused": "!"}
_VERBS = {
    "Reads": "reads",
    "Keeps": "keeps its version:",
    "Trains": "trains",
    "Reuses": "does not train:",
    "Judges": "judges",
    "Verifies": "verifies",
    "Serves": "serves",
    "RollsOut": "rolls out",
    "Stops": "stops:",
    "Waits": "waits",
    "Stalls": "stalls:",
}
_UNKNOWN = "(not known yet)"
_LIMIT = 200
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")


def headline(plan: Plan) -> str:
    """The plan in one line."""
    if plan.is_empty:
        return "no change"
    counts = [(sum(change.action == action for change in plan.objects), action.lower()) for action in SIGNS]
    told = [f"{count} {action}" for count, action in counts if count]
    training = sum(not run.is_stored for run in plan.runs)
    told += [f"{training} run{'s' if training > 1 else ''} to train"] if training else []
    told += ["cannot be made as it is"] if plan.problems else []
    return ", ".join(told)


def verb(effect: Effect) -> str:
    """What an object does; with its message, a sentence whose subject is the object."""
    return _VERBS[effect.what]


def rest(effect: Effect) -> str:
    """The sentence after its verb."""
    return shortened(effect.message).removeprefix("waits ")


def value(found: Any, unknown: Iterable[str] = ()) -> str:
    """A value of a field in one short line, without characters that would steer a terminal.

    Args:
        found: The value.
        unknown: Digests in it that only stand for others; they are not shown.
    """
    text = json.dumps(found, ensure_ascii=False)
    for digest in unknown:
        bare = digest.removeprefix("sha256:")
        text = text.replace(bare, _UNKNOWN).replace(f"v-{bare[:8]}", f"v-{_UNKNOWN}")
    short = shortened("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
    return short if len(short) <= _LIMIT else f"{short[:_LIMIT]}…"


def shortened(text: str) -> str:
    """The text with digests cut to what tells them apart."""
    return _DIGEST.sub(r"\1…", text)


def sides(change: FieldChange, unknown: Iterable[str] = ()) -> tuple[str | None, str | None]:
    """The old value and the new one, as ``value`` writes them; None where the field is absent."""
    given = change.model_fields_set
    return (
        value(change.old, unknown) if "old" in given else None,
        value(change.new, unknown) if "new" in given else None,
    )


def gpus(found: Gpus) -> str:
    """GPUs of a type before and after, and whether they fit."""
    kind = found.gpu_type or "of any type"
    text = f"{found.before} → {found.after} {kind}"
    if found.available is None:
        return text
    waiting = f": {found.after - found.available} would wait" if found.after > found.available else ""
    return f"{text}, of {found.available}{waiting}"
