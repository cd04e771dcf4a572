"""ModelVersion: an immutable record; approved when its newest evaluations passed.

An evaluation that speaks of it and cannot be read may be a rejection: until a person has corrected or deleted
it the version is not approved, unless a later one surely answers the same question.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body, Evaluation, ModelVersion
from mlplane.api.meta import Status
from mlplane.api.reading import at, named, text
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.records import verdict_sentence
from mlplane.reconcilers.state import Ready, conditions

KIND = ModelVersion

Question = tuple[str, str, tuple[str, ...] | None]
"""What an evaluation answers: dataset, split and gates."""


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
    newest, broken = _newest(body for body in bodies if _speaks_of(body, version))
    failed = [e for e in newest if e.spec.recorded.verdict != "Passed"]
    sentences = "; ".join(
        verdict_sentence(e.spec.recorded, e.spec.dataset.name, e.spec.split) for e in failed or newest
    )
    unread = f"Evaluation {', '.join(broken)} cannot be read: correct or delete it" if broken else ""
    if failed:
        return False, names.GATE_FAILED, f"rejected: {'; '.join(filter(None, (sentences, unread)))}"
    if broken:
        return False, names.UNREADABLE_EVALUATION, unread
    if not newest:
        return False, names.NOT_EVALUATED, "no Evaluation speaks of it: create one to have it judged"
    return True, names.GATES_PASSED, sentences


def _newest(bodies: Iterable[Body]) -> tuple[list[Evaluation], list[str]]:
    """The newest evaluation for each question, and the names of those that may be it but cannot be read."""
    newest: dict[Question, Evaluation] = {}
    broken: list[Body] = []
    for body in sorted(bodies, key=lambda body: (_created(body), named(body))):
        try:
            # Its status does not count here, and so cannot stand in the way.
            newest[_question(body)] = Evaluation.model_validate({**body, "status": {}})
        except ValidationError:
            broken.append(body)
    return list(newest.values()), [named(body) for body in broken if not _is_answered(body, newest)]


def _is_answered(broken: Body, newest: Mapping[Question, Evaluation]) -> bool:
    """Whether a later evaluation surely answers the same question, so that this one does not count."""
    later = newest.get(_question(broken))
    return later is not None and "" < _created(broken) < later.metadata.creation_timestamp


def _question(evaluation: Body) -> Question:
    """Dataset, split and gates, as far as they can be read; what cannot is like nothing that can."""
    spec = at(evaluation, "spec")
    results = at(spec, "recorded", "results")
    gates = (
        tuple(sorted(repr((at(r, "metric"), at(r, "min"))) for r in results))
        if isinstance(results, list)
        else None
    )
    return repr(at(spec, "dataset", "name")), repr(at(spec, "split")), gates


def _created(evaluation: Body) -> str:
    return text(at(evaluation, "metadata", "creationTimestamp"))


def _speaks_of(evaluation: Body, version: ModelVersion) -> bool:
    pinned = at(evaluation, "spec", "modelVersion")
    return (at(pinned, "name"), at(pinned, "digest")) == (version.name, version.spec.artifact.digest)


def _evaluations(version: ModelVersion) -> Query:
    return Query(names.API_VERSION, "Evaluation", version.metadata.namespace or "default")
