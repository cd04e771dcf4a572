"""What was changed by hand in an object that git describes, and by whom: fields and managers, no values.

Told from ``managedFields``: a field that differs from the manifest and belongs to another manager was changed
by that one; a field that differs and is still the agent's was changed in git. Pure. Called by ``agent``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from mlplane import names
from mlplane.api.applied import is_part_of
from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, mappings, text

Path = tuple[str, ...]
SHOWN = 8
"""Fields that a sentence names."""


@dataclass(frozen=True)
class Drift:
    """Fields that somebody has changed past git."""

    fields: tuple[str, ...]
    """Such as ``spec.follow.model``."""
    managers: tuple[str, ...]

    def __str__(self) -> str:
        more = f" and {len(self.fields) - SHOWN} more" if len(self.fields) > SHOWN else ""
        who = f" by {', '.join(self.managers)}" if self.managers else ""
        return (
            f"put back as git has it, after a change{who}: {', '.join(self.fields[:SHOWN])}{more}; "
            "to keep a change, commit it"
        )


def drift_of(wanted: Body, found: Body, *, was_applied: bool) -> Drift | None:
    """What was changed by hand; None if nothing was, or if all differences come from git.

    Args:
        wanted: The prepared manifest.
        found: The object, with its managed fields.
        was_applied: Whether this very manifest was applied before, so that every difference is by hand.
    """
    fields: list[str] = []
    managers: dict[str, None] = {}
    for path in _differences(wanted, found, ()):
        owners = [text(e.get("manager")) for e in _others(found) if _owns(e, path)]
        if owners or was_applied:
            fields.append(".".join(path))
            managers |= dict.fromkeys(owners)
    return Drift(tuple(fields), tuple(managers)) if fields else None


def _differences(wanted: object, found: object, path: Path) -> Iterator[Path]:
    """Paths of what is wanted and not there; a list is one value."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key, value in wanted.items():
            if value is not None:
                yield from _differences(value, found.get(key), (*path, key))
    elif not is_part_of(wanted, found):
        yield path


def _others(found: Body) -> Iterator[Body]:
    for entry in mappings(at(found, "metadata", "managedFields")):
        if entry.get("manager") != names.GITOPS_MANAGER and not entry.get("subresource"):
            yield entry


def _owns(entry: Body, path: Path) -> bool:
    """Whether an entry of the managed fields has the field, something below it, or the list that it is in."""
    below = mapping(entry.get("fieldsV1"))
    for step in path:
        if f"f:{step}" not in below:
            return False
        below = mapping(below[f"f:{step}"])
    return True
