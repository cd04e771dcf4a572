"""What served, and what it came from: the answers of ``mlplane history`` and ``mlplane lineage``.

No objects of a cluster; the JSON of these commands, in the words of the API.
"""

from datetime import datetime
from typing import Literal

from mlplane.api.judgement import PinnedRef
from mlplane.api.meta import ApiModel, Body


class Measured(ApiModel):
    """A gate and what was measured."""

    metric: str
    slice: str | None = None
    value: str | None = None
    baseline: str | None = None
    verdict: str


class Evidence(ApiModel):
    """An evaluation that was recorded."""

    evaluation: str
    verdict: str
    dataset: PinnedRef
    split: str
    rows: int
    results: tuple[Measured, ...] = ()
    report: str


class Origin(ApiModel):
    """A model version and everything that it came from, as its record says."""

    name: str
    model: str
    digest: str
    run: str | None = None
    run_key: str | None = None
    dataset: PinnedRef | None = None
    splits: dict[str, str] = {}
    """Digest of each split that it was trained on."""
    code: str | None = None
    """Repository, or the path in the image, and the script."""
    commit: str | None = None
    image: str | None = None
    params: dict[str, str] = {}
    seed: int | None = None
    imported_from: str | None = None


class Served(ApiModel):
    """A time in which the manifest of a server pinned one version, or none."""

    environment: str
    server: str
    since: datetime
    until: datetime | None = None
    """When something else took its place; None: it is pinned still."""
    how: Literal["promoted", "rolled back", "changed", "removed"]
    commit: str
    by: str
    """Who brought it to the main branch, as git has it."""
    proposed_by: tuple[str, ...] = ()
    """Who made the commits that were merged."""
    promoted_from: str | None = None
    version: PinnedRef | None = None
    origin: Origin | None = None
    """As recorded at that commit; None where there was no record."""
    evidence: tuple[Evidence, ...] = ()


class History(ApiModel):
    """What a server was given, newest first."""

    server: str
    served: tuple[Served, ...]
    now: dict[str, Body] = {}
    """Status of the server in each environment that was asked."""


class Provenance(ApiModel):
    """A model version: what it came from, how it was judged, and where it was served."""

    origin: Origin
    evidence: tuple[Evidence, ...] = ()
    served: tuple[Served, ...] = ()
