"""Which version of a model an environment has to offer, from its cluster or from git alone. Pure.

Called by ``cli.promote``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Evaluation, ModelVersion
from mlplane.api.conditions import is_true, of
from mlplane.api.meta import Body
from mlplane.api.reading import at, named, text
from mlplane.errors import InvalidInput, Terminal
from mlplane.gitops.environmentfiles import EnvironmentFiles
from mlplane.gitops.promotion import Candidate
from mlplane.gitops.records import as_judged, canonical
from mlplane.gitops.serverpins import pin_of
from mlplane.reconcilers.modelversion import that_count


@dataclass(frozen=True)
class Offer:
    """What an environment has, and since when it is ready there."""

    candidate: Candidate
    server: Body | None
    """The server of the model there, if there is one."""
    ready_since: datetime | None
    not_ready: str
    """Why it is not known to be ready."""


def from_cluster(
    bodies: Sequence[Body], model: str, name: str, source: str, pinned_since: datetime | None
) -> Offer:
    """The version to promote, of an environment whose cluster was asked.

    Args:
        bodies: The ModelVersions, Evaluations and ModelServers of its namespace.
        model: Name of the model.
        name: The version that is wanted; empty for the newest that is approved.
        source: Name of the environment.
        pinned_since: Since when the main branch pins this environment's version; None where it pins none.

    Raises:
        InvalidInput: There is no such version.
        Terminal: It is not approved, or none is.
    """
    versions = [b for b in bodies if b["kind"] == "ModelVersion" and at(b, "spec", "model") == model]
    body = _chosen(versions, model, name, source)
    version = _version(body)
    evaluations = that_count(version, (b for b in bodies if b["kind"] == "Evaluation"))
    ordered = sorted(evaluations, key=lambda e: (e.metadata.creation_timestamp, e.name), reverse=True)
    candidate = Candidate(version, canonical(body), tuple(map(as_judged_there, ordered)), source)
    server = next((b for b in bodies if b["kind"] == "ModelServer" and _serves(b, candidate)), None)
    since, why = _ready(server, candidate, pinned_since)
    return Offer(candidate, server, since, why)


def from_git(files: EnvironmentFiles, model: str, name: str, pinned_since: datetime | None) -> Offer:
    """The version that an environment serves, as git has it: for one whose cluster cannot be asked.

    Raises:
        InvalidInput: It pins no version of the model, or the wanted one is not there.
    """
    found = files.server_of(model)
    pin = pin_of(found[1]) if found else None
    wanted = name or (pin.name if pin else "")
    version = files.find("ModelVersion", wanted) if wanted else None
    source = files.environment.name
    if version is None:
        what = wanted or f"a version of model {model} that is served"
        raise InvalidInput(f"{files.environment.path} has no {what}: promote to {source} first")
    evaluations = [
        as_judged(Evaluation.model_validate(body)) for body in files.evaluations_of(wanted).values()
    ]
    candidate = Candidate(_version(version[1]), canonical(version[1]), tuple(evaluations), source)
    since = pinned_since if pin and pin.name == wanted else None
    return Offer(candidate, found[1] if found else None, since, f"{source} does not pin {wanted}")


def as_judged_there(evaluation: Evaluation) -> Evaluation:
    """With its outcome, whether a cluster has looked at it or not."""
    return evaluation if evaluation.status.verdict else as_judged(evaluation)


def _chosen(versions: Sequence[Body], model: str, name: str, source: str) -> Body:
    if name:
        found = next((b for b in versions if b["metadata"]["name"] == name), None)
        if found is None:
            there = ", ".join(sorted(b["metadata"]["name"] for b in versions)) or "none"
            raise InvalidInput(f'{source} has no ModelVersion "{name}" of model {model}; there are: {there}')
        if not is_true(found, names.APPROVED):
            raise Terminal(f"ModelVersion {name} is not approved in {source}: {_why(found)}")
        return found
    approved = [b for b in versions if is_true(b, names.APPROVED)]
    if not approved:
        raise Terminal(f"{source} has no approved version of model {model}{_reasons(versions)}")
    return max(approved, key=_age)


def _reasons(versions: Iterable[Body]) -> str:
    found = [f"{named(body)}: {_why(body)}" for body in sorted(versions, key=_age, reverse=True)[:3]]
    return f"; {'; '.join(found)}" if found else ": train one, and have it judged"


def _why(version: Body) -> str:
    return text((of(version, names.APPROVED) or {}).get("message")) or "no controller has looked at it yet"


def _age(body: Body) -> tuple[str, str]:
    return text(at(body, "metadata", "creationTimestamp")), text(at(body, "metadata", "name"))


def _version(body: Body) -> ModelVersion:
    try:
        return ModelVersion.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"ModelVersion {named(body)} cannot be read: {where}: {first['msg']}") from error


def _serves(server: Body, candidate: Candidate) -> bool:
    model = candidate.version.spec.model
    pinned = text(at(server, "spec", "modelVersion", "name"))
    return model in (at(server, "spec", "follow", "model"), at(server, "metadata", "name")) or (
        pinned == candidate.version.name
    )


def _ready(
    server: Body | None, candidate: Candidate, pinned_since: datetime | None
) -> tuple[datetime | None, str]:
    """Since when the candidate is what is served, as far as server and git tell; else why not."""
    name = candidate.version.name
    if server is None:
        return None, f"{candidate.source} has no server of it"
    ready = of(server, names.READY) or {}
    served = at(server, "status", "modelVersion", "digest")
    if served != candidate.pin.digest or ready.get("reason") != names.SERVING:
        return None, f"{named(server)} does not serve {name} there: {text(ready.get('message'))}"
    moments = [
        text(ready.get("lastTransitionTime")),
        candidate.version.metadata.creation_timestamp,
        pinned_since.isoformat() if pinned_since else "",
    ]
    known = [datetime.fromisoformat(moment) for moment in moments if moment]
    return max(known, default=None), f"it is not known since when {named(server)} serves {name}"
