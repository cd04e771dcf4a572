"""Whether a watch still tells of every change: what it has told, compared with what a list says. Pure.

A watch may be dead, or skip an event, and look well. So ``looks`` lists each kind now and then. What the
watch has not told by the first look is worth a wake-up; what it has not told by the second one either, it has
missed, for events are only milliseconds late.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlplane.api.refs import Ref

Versions = Mapping[Ref, str]
"""Objects and their resourceVersions."""


@dataclass(frozen=True)
class Missing:
    """Something that a watch has not told."""

    version: str | None
    """The version that was listed; None if the object is gone."""
    told: str | None
    """The version that the watch had told."""
    since: float
    """When a look first found it."""


@dataclass
class Told:
    """What the watch of one kind has told, and what it has missed."""

    _told: dict[Ref, str] = field(default_factory=dict)
    _missing: dict[Ref, Missing] = field(default_factory=dict)

    def tell(self, ref: Ref, version: str, *, gone: bool) -> None:
        """The watch tells of an object; what it tells again, or late, changes nothing."""
        before = self._told.get(ref)
        if before is not None and before != version and _reaches(before, version):
            return
        if gone:
            self._told.pop(ref, None)
        else:
            self._told[ref] = version

    def look(self, listed: Versions, now: float) -> dict[Ref, Missing]:
        """Compare with a list, made ``now``: what has not been told yet; missed if since an earlier look."""
        found = {
            ref: self._since(ref, Missing(version, self._told.get(ref), now))
            for ref, version in listed.items()
            if not _reaches(self._told.get(ref), version)
        }
        for ref in [ref for ref in self._told if ref not in listed]:
            found[ref] = missing = self._since(ref, Missing(None, self._told[ref], now))
            if missing.since < now:
                # The watch will not tell of it any more: nor does the list that it may begin anew with.
                del self._told[ref]
        self._missing = found
        return found

    def _since(self, ref: Ref, missing: Missing) -> Missing:
        """The same, found first at the look before if nothing has been told about it since."""
        before = self._missing.get(ref)
        if before is None or (before.version is None) is not (missing.version is None):
            return missing
        late = (
            before.told == missing.told
            if before.version is None
            else not _reaches(missing.told, before.version)
        )
        return replace(missing, since=before.since) if late else missing


def _reaches(told: str | None, version: str | None) -> bool:
    """Whether what was told is of this version or a later one.

    Versions of one kind are whole numbers that grow, also by the word of Kubernetes since 1.35. A server with
    other versions still has them compared for being the same.
    """
    if told is None or version is None or not (told.isdecimal() and version.isdecimal()):
        return told == version
    return (len(told), told) >= (len(version), version)
