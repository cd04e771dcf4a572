"""ModelVersion: an immutable record; approved when its newest evaluations passed."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body, Evaluation, ModelVersion
from mlplane.api.meta import Status
from mlplane.api.reading import at, named
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.records import verdict_sentence
from mlplane.reconcilers.state import Ready, conditions

KIND = ModelVersion


def refs(version: ModelVersion, _settings: Settings) -> tuple[Ref | Query, ...]:
    """All evaluations of the namespace."""
    return (_evaluations(version),)


def plan(version: ModelVersion, observed: Observed, now: datetime, _settings: Settings) -> Plan:
    """Approve what has been evaluated and passed."""
    approved, reason, message = _approval(version, observed.list(_evaluations(version)))
    state = Ready(names.AVAILABLE, f"stored at {version.spec.artifact.uri}")
    return Plan(
        Status(
            observed_generation=version.metadata.generation,
            conditions=conditions(version, state, now, (names.APPROVED, approved, reason, message)),
        )
    )


def _approval(version: ModelVersion, bodies: Iterable[Body]) -> tuple[bool, str, str]:
    newest, broken = _newest(version, bodies)
    ignored = f"; Evaluation {', '.join(broken)} cannot be read and does not count" if broken else ""
    if not newest:
        message = f"no Evaluation speaks of it: create one to have it judged{ignored}"
        return False, names.NOT_EVALUATED, message
    failed = [e for e in newest if e.spec.recorded.verdict != "Passed"]
    sentences = "; ".join(
        verdict_sentence(e.spec.recorded, e.spec.dataset.name, e.spec.split) for e in failed or newest
    )
    if failed:
        return False, names.GATE_FAILED, f"rejected: {sentences}{ignored}"
    return True, names.GATES_PASSED, f"{sentences}{ignored}"


def _newest(version: ModelVersion, bodies: Iterable[Body]) -> tuple[list[Evaluation], list[str]]:
    """The newest evaluation of exactly these bytes for each (dataset, split, gates); names of broken ones."""
    newest: dict[object, Evaluation] = {}
    evaluations, broken = _read([body for body in bodies if _speaks_of(body, version)])
    for evaluation in sorted(evaluations, key=lambda e: (e.metadata.creation_timestamp, e.name)):
        spec = evaluation.spec
        gates = tuple(sorted((r.metric, r.min) for r in spec.recorded.results))
        newest[spec.dataset.name, spec.split, gates] = evaluation
    return list(newest.values()), sorted(broken)


def _read(bodies: Iterable[Body]) -> tuple[list[Evaluation], list[str]]:
    read, broken = [], []
    for body in bodies:
        try:
            # Its status does not count here, and so cannot stand in the way.
            read.append(Evaluation.model_validate({**body, "status": {}}))
        except ValidationError:
            broken.append(named(body))
    return read, broken


def _speaks_of(evaluation: Body, version: ModelVersion) -> bool:
    pinned = at(evaluation, "spec", "modelVersion")
    return (at(pinned, "name"), at(pinned, "digest")) == (version.name, version.spec.artifact.digest)


def _evaluations(version: ModelVersion) -> Query:
    return Query(names.API_VERSION, "Evaluation", version.metadata.namespace or "default")
