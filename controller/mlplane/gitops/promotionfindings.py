"""What contradicts itself in ``promotion.yaml``, beyond what its schema can say. Pure.

Called by ``gitops.environments`` with a document whose schema is right.
"""

import zoneinfo
from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from mlplane.api.promotion import Environment, Freeze, Promotion
from mlplane.data.duetimes import fault_of
from mlplane.gitops.findings import Finding, at, closest
from mlplane.gitops.manifest import Document, FieldPath


def contradictions(document: Document, promotion: Promotion) -> Iterator[Finding]:
    """One finding for each contradiction, at the later of the two places."""
    environments = promotion.environments
    for index, environment in enumerate(environments):
        place: FieldPath = ("environments", index)
        yield from _clashes(document, place, environment, environments[:index])
        yield from _origin(document, place, environment, environments, index)
        for number, freeze in enumerate(environment.requires.freeze if environment.requires else ()):
            yield from _of_freeze(document, (*place, "requires", "freeze", number), freeze)
    forge = promotion.forge
    if forge and forge.kind == "None" and (forge.url or forge.repository):
        yield at(document, ("forge", "kind"), "a forge that is None has no url and no repository")


def _clashes(
    document: Document, place: FieldPath, environment: Environment, earlier: tuple[Environment, ...]
) -> Iterator[Finding]:
    """What may be one environment's only."""
    own = PurePosixPath(environment.path)
    for other in earlier:
        if other.name == environment.name:
            yield at(document, (*place, "name"), f"there is an environment {other.name} already")
        theirs = PurePosixPath(other.path)
        if own.is_relative_to(theirs) or theirs.is_relative_to(own):
            message = f"{own} and {theirs}, of {other.name}, overlap: a manifest belongs to one environment"
            yield at(document, (*place, "path"), message)
        if (other.context, other.namespace) == (environment.context, environment.namespace):
            cluster = f"the cluster of context {other.context}" if other.context else "the current cluster"
            message = f"{other.name} is applied to namespace {other.namespace} of {cluster} already"
            yield at(document, (*place, "namespace"), message)


def _origin(
    document: Document,
    place: FieldPath,
    environment: Environment,
    environments: tuple[Environment, ...],
    index: int,
) -> Iterator[Finding]:
    """Where its models come from: an environment before it, so that there is no circle."""
    before = [other.name for other in environments[:index]]
    name, path = environment.from_, (*place, "from")
    if name is None:
        if environment.requires:
            message = "only what is promoted has requirements: name the environment that it comes from"
            yield at(document, (*place, "requires"), message, key=True, suggestion="from: NAME")
    elif name not in before:
        known = [other.name for other in environments]
        message = (
            f"{environment.name} is promoted from {name}, which does not stand before it"
            if name in known
            else f"there is no environment {name}"
        )
        yield at(document, path, message, allowed=before, suggestion=closest(name, before))


def _of_freeze(document: Document, path: FieldPath, freeze: Freeze) -> Iterator[Finding]:
    for pair in (("schedule", "hours"), ("since", "until")):
        given = [field for field in pair if getattr(freeze, field) is not None]
        if len(given) == 1:
            (missing,) = set(pair) - set(given)
            yield at(document, (*path, given[0]), f"{given[0]} needs {missing} beside it", key=True)
    if (freeze.schedule is None) == (freeze.since is None):
        yield at(document, path, "a freeze has either schedule and hours, or since and until")
    if freeze.schedule and (fault := fault_of(freeze.schedule)):
        message = f'"{freeze.schedule}" is no schedule of cron: {fault.lower()}'
        yield at(document, (*path, "schedule"), message)
    yield from _clocks(document, path, freeze)


def _clocks(document: Document, path: FieldPath, freeze: Freeze) -> Iterator[Finding]:
    moments = {field: getattr(freeze, field) for field in ("since", "until") if getattr(freeze, field)}
    wrong = [field for field, moment in moments.items() if not _is_moment(moment)]
    for field in wrong:
        yield at(document, (*path, field), f"there is no moment {moments[field]}")
    if len(moments) == 2 and not wrong and moments["until"] <= moments["since"]:
        yield at(document, (*path, "until"), "the freeze is over before it begins")
    if not _is_zone(freeze.time_zone):
        near = closest(freeze.time_zone, zoneinfo.available_timezones())
        message = f"there is no time zone {freeze.time_zone}"
        yield at(document, (*path, "timeZone"), message, suggestion=near)


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, IsADirectoryError):
        return False
    return True
