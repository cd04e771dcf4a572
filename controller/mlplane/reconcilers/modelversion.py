"""ModelVersion: an immutable record; approved when its newest evaluations passed."""

from collections.abc import Iterable
from datetime import datetime

from mlplane import names
from mlplane.api import Body, Evaluation, ModelVersion
from mlplane.api.meta import Status
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
    newest = _newest(version, bodies)
    if not newest:
        return False, names.NOT_EVALUATED, "no Evaluation speaks of it: create one to have it judged"
    failed = [e for e in newest if e.spec.recorded.verdict != "Passed"]
    sentences = "; ".join(
        verdict_sentence(e.spec.recorded, e.spec.dataset.name, e.spec.split) for e in failed or newest
    )
    if failed:
        return False, names.GATE_FAILED, f"rejected: {sentences}"
    return True, names.GATES_PASSED, sentences


def _newest(version: ModelVersion, bodies: Iterable[Body]) -> list[Evaluation]:
    """The newest evaluation of exactly these bytes for each (dataset, split, gates)."""
    newest: dict[object, Evaluation] = {}
    evaluations = [Evaluation.model_validate(b) for b in bodies if _speaks_of(b, version)]
    for evaluation in sorted(evaluations, key=lambda e: (e.metadata.creation_timestamp, e.name)):
        spec = evaluation.spec
        gates = tuple(sorted((r.metric, r.min) for r in spec.recorded.results))
        newest[spec.dataset.name, spec.split, gates] = evaluation
    return list(newest.values())


def _speaks_of(evaluation: Body, version: ModelVersion) -> bool:
    pinned = evaluation["spec"]["modelVersion"]
    return bool(pinned["name"] == version.name and pinned["digest"] == version.spec.artifact.digest)


def _evaluations(version: ModelVersion) -> Query:
    return Query(names.API_VERSION, "Evaluation", version.metadata.namespace or "default")
