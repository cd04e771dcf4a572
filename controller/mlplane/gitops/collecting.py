"""Which artifacts of a store something still needs, and which may go. Pure.

An artifact is in use if its digest stands anywhere in an object of the cluster, whatever the field, or in a
manifest: no knowledge of fields can be out of date then. Beside that, everything is kept that belongs to what
is being worked on, for nobody can know yet what will be needed. Called by ``cli.store``.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mlplane import names
from mlplane.api.conditions import is_current, is_true
from mlplane.api.meta import Body
from mlplane.api.reading import at, mapping, text
from mlplane.store.inventory import Stored

YOUNG = timedelta(days=1)
"""Nothing goes that was written a shorter while ago: it may be about to be used."""
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_DATA = ("datasets", "raw")
_MODELS = ("models", "reports", "checkpoints")
Name = tuple[str, str]
"""Kind and name of artifacts; the name is empty where all of the kind are meant."""


@dataclass(frozen=True)
class Uses:
    """What is needed."""

    digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Who speaks of a digest."""
    busy: Mapping[Name, str] = field(default_factory=dict)
    """Why all artifacts of a name are kept."""
    retention: Mapping[str, int | None] = field(default_factory=dict)
    """For each Dataset, how many versions are kept; None for all."""


@dataclass(frozen=True)
class Fate:
    """What becomes of an artifact, and why."""

    stored: Stored
    goes: bool
    why: str


def uses_of(bodies: Sequence[Body], manifests: Mapping[str, Body]) -> Uses:
    """What is needed by the objects of a cluster, and by manifests.

    Args:
        bodies: All objects of the kinds of mlplane, all Workflows and InferenceServices.
        manifests: By file; they may not be applied yet, or to another cluster.
    """
    digests: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for who, body in [*((_name(b), b) for b in bodies if not _is_over(b)), *manifests.items()]:
        for digest in _DIGEST.findall(json.dumps(body)):
            digests[f"sha256:{digest}"][who] = None
    applied = {(text(b.get("kind")), text(at(b, "metadata", "name"))) for b in bodies}
    new = [b for b in manifests.values() if (b.get("kind"), at(b, "metadata", "name")) not in applied]
    busy = dict(reason for body in [*bodies, *new] for reason in _busy(body, bodies))
    return Uses(
        {digest: tuple(who) for digest, who in digests.items()},
        busy,
        _retention([*bodies, *manifests.values()]),
    )


def fates(stored: Iterable[Stored], uses: Uses, now: datetime) -> list[Fate]:
    """What becomes of each artifact, in the order in which they come."""
    listed = list(stored)
    kept = _newest(listed, uses.retention)
    return [_fate(artifact, uses, kept, now) for artifact in listed]


def _fate(stored: Stored, uses: Uses, newest: Mapping[str, str], now: datetime) -> Fate:
    if who := uses.digests.get(stored.digest):
        more = f" and {len(who) - 1} more" if len(who) > 1 else ""
        return Fate(stored, goes=False, why=f"in use by {who[0]}{more}")
    if busy := uses.busy.get((stored.kind, stored.name)) or uses.busy.get((stored.kind, "")):
        return Fate(stored, goes=False, why=busy)
    if now - stored.modified < YOUNG:
        return Fate(stored, goes=False, why="written less than a day ago")
    if stored.manifest is None:
        return Fate(stored, goes=True, why="never completed, or half deleted")
    if stored.folder in newest:
        return Fate(stored, goes=False, why=newest[stored.folder])
    return Fate(stored, goes=True, why="nothing speaks of it")


def _newest(stored: list[Stored], retention: Mapping[str, int | None]) -> dict[str, str]:
    """The folders of versions that are kept although nothing uses them, and why."""
    kept: dict[str, str] = {}
    for name, versions in retention.items():
        complete = [s for s in stored if (s.kind, s.name) == ("datasets", name) and s.manifest]
        complete.sort(key=lambda s: s.modified, reverse=True)
        why = "its Dataset names no retention" if versions is None else f"one of the {versions} newest"
        kept |= {s.folder: why for s in complete[:versions]}
    return kept


def _retention(bodies: Iterable[Body]) -> dict[str, int | None]:
    """For Datasets of one name in several places, the largest number; where one has none, all are kept."""
    found: dict[str, int | None] = {}
    for body in bodies:
        if body.get("kind") != "Dataset":
            continue
        name, versions = text(at(body, "metadata", "name")), at(body, "spec", "retention", "versions")
        wanted = versions if isinstance(versions, int) else None
        known = found.get(name, 0)
        found[name] = None if wanted is None or known is None else max(known, wanted)
    return found


def _busy(body: Body, bodies: Sequence[Body]) -> Iterator[tuple[Name, str]]:
    """The names that an object may be about to need artifacts of."""
    match body.get("kind"):
        case "Dataset" if not is_current(body):
            yield from _of(_DATA, text(at(body, "metadata", "name")), f"{_name(body)} is not ready")
        case "TrainingRun" if not _is_finished(body):
            yield from _of(_MODELS, text(at(body, "spec", "model")), f"{_name(body)} has not finished")
        case "Evaluation" if not _is_finished(body):
            version = text(at(body, "spec", "modelVersion", "name"))
            model = next((at(b, "spec", "model") for b in bodies if _is_version(b, version)), None)
            yield from _of(_MODELS, text(model), f"{_name(body)} has not finished")
        case names.WORKFLOW_KIND if not _is_over(body):
            labels = mapping(at(body, "metadata", "labels"))
            if labels.get(names.OWNER_KIND_LABEL) == "Dataset":
                owner = text(labels.get(names.OWNER_NAME_LABEL))
                yield from _of(_DATA, owner, f"{_name(body)} has not finished")


def _of(kinds: tuple[str, ...], name: str, why: str) -> list[tuple[Name, str]]:
    return [((kind, name), why) for kind in kinds]


def _is_version(body: Body, name: str) -> bool:
    return body.get("kind") == "ModelVersion" and at(body, "metadata", "name") == name


def _is_finished(body: Body) -> bool:
    return is_true(body, names.COMPLETE) or is_true(body, names.FAILED)


def _is_over(body: Body) -> bool:
    """Whether it is a Workflow that has ended: what it was told and has answered needs nothing any more."""
    ended = at(body, "status", "phase") in ("Succeeded", "Failed", "Error")
    return body.get("kind") == names.WORKFLOW_KIND and ended


def _name(body: Body) -> str:
    namespace = text(at(body, "metadata", "namespace"))
    name = text(at(body, "metadata", "name"))
    return f"{text(body.get('kind'))} {namespace}/{name}" if namespace else f"{text(body.get('kind'))} {name}"
