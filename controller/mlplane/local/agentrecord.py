"""What the GitOps agent says of its work: a ConfigMap for programs and ``mlplane status``, Events for people.

Both are written when something has changed, and never for a sync that found all as it was. Used by ``agent``.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from mlplane.api.conditions import timestamp
from mlplane.api.meta import Body
from mlplane.api.reading import mapping, text
from mlplane.api.refs import Ref
from mlplane.cluster.events import News, Recorder
from mlplane.cluster.port import Cluster
from mlplane.gitops import sync
from mlplane.names import GITOPS_MANAGER

Outcome = Literal["Synced", "Invalid", "Untrusted", "Held", "Refused", "Failed", "Left"]

LONGEST = 20_000
"""Characters of errors that are kept: a ConfigMap holds a million bytes in all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """What a sync came to.

    Synced: the namespace agrees with the commit. Invalid: a manifest is wrong. Untrusted: nobody who may has
    signed the commit. Held: it is no successor of the one that was applied. Refused: most would be deleted.
    Of all four nothing was applied. Failed: the server refused some of it. Left: nothing is followed here.
    """

    outcome: Outcome
    errors: Sequence[str] = ()


class Progress(NamedTuple):
    """Commits of a source; each empty if there is none."""

    applied: str
    """The newest that was applied, be it only in part."""
    synced: str
    """The newest that the namespace has agreed with."""


@dataclass(frozen=True)
class Record:
    """The ConfigMap of a namespace."""

    cluster: Cluster
    recorder: Recorder
    namespace: str
    source: str
    """Path and revision, for people."""
    label: str
    """The same with the repository, as a short digest; empty while the repository cannot be read."""

    async def progress(self) -> Progress:
        """How far it is."""
        known = await self._data()
        return Progress(self._own(known, "applied"), self._own(known, "synced"))

    async def write(self, commit: str, result: Result) -> None:
        """Write what a sync came to, unless it is known."""
        known = await self._data()
        data = {
            "commit": commit,
            "outcome": result.outcome,
            "errors": _shortened("\n".join(result.errors)),
            "source": self.source,
            "from": self.label or text(known.get("from")),
            "applied": commit if result.outcome in ("Synced", "Failed") else self._own(known, "applied"),
            "synced": commit if result.outcome == "Synced" else self._own(known, "synced"),
        }
        if known == data | {"time": known.get("time")}:
            return
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": sync.RECORD, "namespace": self.namespace},
            "data": data | {"time": timestamp(datetime.now(UTC))},
        }
        written = await self.cluster.apply(body, manager=GITOPS_MANAGER)
        log.info("%s: %s %s from commit %s", self.namespace, result.outcome, self.source, commit[:12])
        self.recorder.tell(written, _news(commit, result, self.source))

    def _own(self, data: Body, key: str) -> str:
        """What stands there of this source; empty if it is another one's."""
        return text(data.get(key)) if self.label in ("", data.get("from")) else ""

    async def _data(self) -> Body:
        ref = Ref("v1", "ConfigMap", self.namespace, sync.RECORD)
        return mapping((await self.cluster.get(ref) or {}).get("data"))


def _shortened(errors: str) -> str:
    """So much of them that a ConfigMap can hold it, and a person can read it."""
    if len(errors) <= LONGEST:
        return errors
    return f"{errors[:LONGEST]}…\nThis is not all: `mlplane validate` says the rest"


def _news(commit: str, result: Result, source: str) -> News:
    what = f"commit {commit[:12] or 'unknown'}, {source}"
    if result.outcome == "Synced":
        return News("Normal", "Synced", f"{what}: applied")
    return News("Warning", result.outcome, f"{what}: {_shortened('; '.join(result.errors))}")
