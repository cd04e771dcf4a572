"""The gates of a change that is to be merged: what ``mlplane promote`` asks, asked again of the commit.

For whoever edits a pull request by hand, or makes one without ``mlplane promote``. A pin that goes back to
what was served before needs no new evidence, time or window: the way back is never closed. Called by
``cli.check``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from mlplane.api import Evaluation, ModelVersion
from mlplane.api.judgement import PinnedRef
from mlplane.api.promotion import Environment, Promotion
from mlplane.gitops import promotiongates as gates
from mlplane.gitops.environmentfiles import EnvironmentFiles, pins_of
from mlplane.gitops.environments import environment_named
from mlplane.gitops.evidence import bytes_gate, missing, problems_of
from mlplane.gitops.findings import Finding
from mlplane.gitops.pinhistory import PinHistory
from mlplane.gitops.promotiongates import Gate, Name
from mlplane.gitops.promotionlog import is_let_again, pin_history
from mlplane.gitops.promotionsite import files_at
from mlplane.gitops.records import as_judged, canonical
from mlplane.store.artifacts import Store

_NAMES: dict[str, Name] = {"schema": "schema", "reference": "schema", "pinned": "pinned", "policy": "policy"}


class Span(NamedTuple):
    """Commits of a change."""

    trunk: str
    """The main branch as it is now: it may have moved on, and taken something back."""
    base: str
    """Where the change has left it."""
    head: str


@dataclass(frozen=True)
class Arrival:
    """A version that a change brings to a server."""

    repo: Path
    span: Span
    before: EnvironmentFiles
    after: EnvironmentFiles
    source: EnvironmentFiles
    """The environment before it, with the change."""
    file: str
    """Of the server."""
    pin: PinnedRef

    @cached_property
    def version(self) -> ModelVersion | None:
        """The record of the version; None if the change lacks it."""
        found = self.after.find("ModelVersion", self.pin.name)
        return ModelVersion.model_validate(found[1]) if found else None

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """What is recorded of it."""
        bodies = self.after.evaluations_of(self.pin.name).values()
        return [as_judged(Evaluation.model_validate(body)) for body in bodies]

    @cached_property
    def history(self) -> PinHistory:
        """What the server was given until now."""
        return pin_history(self.repo, self.span.trunk, self.file)

    @property
    def is_back(self) -> bool:
        """Whether it is what was served before, and not taken back."""
        return self.pin in [move.after for move in self.history.standing]

    @property
    def where(self) -> str:
        """Name of the environment."""
        return self.after.environment.name


def arrivals(repo: Path, promotion: Promotion, span: Span) -> list[Arrival]:
    """The versions that a change brings to environments that models are promoted to.

    Args:
        repo: The repository.
        promotion: Its environments.
        span: The change.

    Raises:
        InvalidInput: A manifest cannot be read.
    """
    return [
        arrival
        for environment in promotion.environments
        if environment.from_
        for arrival in _arrivals(repo, promotion, environment, span)
    ]


def _arrivals(repo: Path, promotion: Promotion, environment: Environment, span: Span) -> Iterator[Arrival]:
    before, after = (files_at(repo, commit, environment) for commit in (span.base, span.head))
    source = files_at(repo, span.head, environment_named(promotion, environment.from_ or ""))
    known = pins_of(before)
    for file, (name, digest) in pins_of(after).items():
        if known.get(file) != (name, digest):
            pin = PinnedRef(name=name, digest=digest)
            yield Arrival(repo, span, before, after, source, file, pin)


def of_findings(findings: Sequence[Finding]) -> Iterator[Gate]:
    """What validation says of all environments, by gate."""
    for name in dict.fromkeys(_NAMES.values()):
        found = [f for f in findings if _NAMES[f.check] == name and f.severity == "error"]
        more = f", and {len(found) - 1} more: run `mlplane validate`" if len(found) > 1 else ""
        said = f"{found[0]}{more}" if found else "`mlplane validate` finds nothing"
        yield gates.failed(name, said) if found else gates.passed(name, said)


def of_arrival(arrival: Arrival, store: Store | None, now: datetime) -> Iterator[Gate]:
    """All gates of a version that comes to an environment, but for the baseline and the plan.

    Raises:
        Transient: The store fails.
    """
    version = arrival.version
    if version is None or version.spec.artifact.digest != arrival.pin.digest:
        wrong = "is not there" if version is None else "has another digest"
        message = f"{arrival.file} pins {arrival.pin.name}, which {wrong} in {arrival.after.environment.path}"
        yield gates.failed("lineage", f"{message}: use `mlplane promote`")
        return
    lacking = missing(version, arrival.evaluations, store) if store else []
    yield bytes_gate(version, store, lacking)
    problems = problems_of(version, arrival.evaluations, None if lacking else store)
    yield gates.evaluation_gate(version.name, arrival.evaluations, problems)
    if arrival.is_back:
        back = f"{arrival.where} goes back to what it served before"
        yield from (gates.passed("policy", back), gates.passed("soak", back), gates.passed("freeze", back))
        return
    yield _copied(arrival)
    yield _hold(arrival)
    yield _soak(arrival, now)
    yield gates.freeze_gate(arrival.after.environment, now)


def _copied(arrival: Arrival) -> Gate:
    """Whether the record is the one of the environment before, where that one has it in git."""
    name, source = arrival.pin.name, arrival.source.environment
    theirs, ours = (files.find("ModelVersion", name) for files in (arrival.source, arrival.after))
    if source.from_ is None and theirs is None:
        return gates.passed(
            "lineage", f"{source.name} makes its versions itself: git has none to compare with"
        )
    if theirs is None:
        return gates.failed("lineage", f"{source.name} does not have {name}: promote it there first")
    if ours is None or canonical(theirs[1]) != canonical(ours[1]):
        return gates.failed("lineage", f"{name} differs from that of {source.name}: copy {theirs[0]}")
    return gates.passed("lineage", f"{name} is the one of {source.name}")


def _hold(arrival: Arrival) -> Gate:
    reverted = arrival.history.reverted.get(arrival.pin.digest)
    if reverted is None:
        return gates.hold_gate(arrival.pin, None, (), is_let_again=False)
    ends = (arrival.span.trunk, arrival.span.head)
    again = is_let_again(arrival.repo, arrival.pin.digest, reverted.commit, *ends)
    then = files_at(arrival.repo, f"{reverted.commit}^1", arrival.after.environment)
    known = {body["metadata"]["name"] for body in then.evaluations_of(arrival.pin.name).values()}
    newer = [e.name for e in arrival.evaluations if e.status.verdict == "Passed" and e.name not in known]
    return gates.hold_gate(arrival.pin, reverted, newer, is_let_again=again)


def _soak(arrival: Arrival, now: datetime) -> Gate:
    """From git alone: since when the environment before pins the version."""
    source = arrival.source.environment.name
    requires = arrival.after.environment.requires
    if not requires or not requires.soak_hours:
        return gates.soak_gate(arrival.after.environment, source, None, "", now)
    found = [file for file, (_, digest) in pins_of(arrival.source).items() if digest == arrival.pin.digest]
    if not found and arrival.source.environment.may_follow:
        said = f"{source} pins no version in git: `mlplane promote` has asked its cluster"
        return Gate("soak", "Warning", said)
    since = [pin_history(arrival.repo, arrival.span.trunk, file).since(arrival.pin.digest) for file in found]
    known = [moment for moment in since if moment]
    why = f"{source} does not pin {arrival.pin.name} on the main branch"
    return gates.soak_gate(arrival.after.environment, source, min(known, default=None), why, now)
