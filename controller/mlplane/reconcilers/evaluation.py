"""Evaluation: a record of a verdict; it counts once the model version that it speaks of exists."""

from datetime import datetime

from mlplane import names
from mlplane.api import Evaluation
from mlplane.api.meta import Status
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.plan import Observed, Plan, Settings
from mlplane.reconcilers.records import digest_of, unreadable, verdict_sentence
from mlplane.reconcilers.state import Ready, Stalled, State, Waiting, conditions, first_blocked

KIND = Evaluation


def refs(evaluation: Evaluation, _settings: Settings) -> tuple[Ref | Query, ...]:
    """The model version that was judged."""
    return (_version(evaluation),)


def model_version_missing(evaluation: Evaluation, observed: Observed) -> Waiting | None:
    """The ModelVersion does not exist (yet), or cannot be read."""
    version = observed.get(_version(evaluation))
    if version is None:
        name = evaluation.spec.model_version.name
        return Waiting(names.MODEL_VERSION_MISSING, f'waits for ModelVersion "{name}"')
    return None if digest_of(version) else unreadable(version)


def digest_mismatch(evaluation: Evaluation, observed: Observed) -> Stalled | None:
    """The ModelVersion of that name holds other bytes than the ones that were judged."""
    pinned = evaluation.spec.model_version
    found = digest_of(observed.get(_version(evaluation)))
    if found == pinned.digest:
        return None
    message = (
        f'ModelVersion "{pinned.name}" has digest {found}, but {pinned.digest} was judged: delete this record'
    )
    return Stalled(names.DIGEST_MISMATCH, message)


GATES = (model_version_missing, digest_mismatch)


def plan(evaluation: Evaluation, observed: Observed, now: datetime, _settings: Settings) -> Plan:
    """Say whether the record can be relied on."""
    spec = evaluation.spec
    passed = spec.recorded.verdict == "Passed"
    verdict = Ready(
        names.GATES_PASSED if passed else names.GATE_FAILED,
        verdict_sentence(spec.recorded, spec.dataset.name, spec.split),
    )
    state: State = first_blocked(GATES, evaluation, observed) or verdict
    complete = (names.COMPLETE, isinstance(state, Ready), state.reason, state.message)
    return Plan(
        Status(
            observed_generation=evaluation.metadata.generation,
            conditions=conditions(evaluation, state, now, complete),
        )
    )


def _version(evaluation: Evaluation) -> Ref:
    namespace = evaluation.metadata.namespace or "default"
    return Ref(names.API_VERSION, "ModelVersion", namespace, evaluation.spec.model_version.name)
