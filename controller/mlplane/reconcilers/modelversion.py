"""ModelVersion: an immutable record; approved when its newest evaluations passed.

For each question (dataset, split, gates) the newest evaluation counts that has ended. One that was recorded
counts once it has been verified. One that could not be carried out, was found to be wrong, or cannot be read
may hide a rejection: the version is not approved until a person has acted, or a later one has answered.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import ValidationError

from mlplane import names
from mlplane.api import Body, Evaluation, ModelVersion
from mlplane.api.judgement import Verdict
from mlplane.api.meta import Status
from mlplane.api.reading import at, named, text
from mlplane.api.refs import Query, Ref
from mlplane.reconcilers.evaluationoutcome import finished
from mlplane.reconcilers.plan import Observed, Plan, Settings
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


def that_count(version: ModelVersion, bodies: Iterable[Body]) -> list[Evaluation]:
    """The evaluations that an approval rests on: the newest for each question; without unreadable ones."""
    return _newest(body for body in bodies if _speaks_of(body, version))[0]


def _approval(version: ModelVersion, bodies: Iterable[Body]) -> tuple[bool, str, str]:
    newest, broken = _newest(body for body in bodies if _speaks_of(body, version))
    ended = [evaluation for evaluation in newest if finished(evaluation)]
    for verdict, reason, before in _REFUSALS:
        if refused := [e for e in ended if e.status.verdict == verdict]:
            more = [_unread(broken)] if broken else []
            return False, reason, f"{before}: {'; '.join([*map(_sentence, refused), *more])}"
    if broken:
        return False, names.UNREADABLE_EVALUATION, _unread(broken)
    if ended:
        return True, names.GATES_PASSED, "; ".join(map(_sentence, ended))
    if newest:
        return False, names.NOT_EVALUATED, f'waits for Evaluation "{newest[0].name}"'
    return False, names.NOT_EVALUATED, "no Evaluation speaks of it: create one to have it judged"


_REFUSALS: tuple[tuple[Verdict | None, str, str], ...] = (
    ("Failed", names.GATE_FAILED, "rejected"),
    (None, names.EVALUATION_FAILED, "not judged"),
    ("Inconclusive", names.EVALUATION_INCONCLUSIVE, "too little was measured"),
)
"""Verdicts that refuse (None: ended without one), in the order in which a person should look."""


def _sentence(evaluation: Evaluation) -> str:
    """The gates and their numbers, or why there are none."""
    state = finished(evaluation)
    message = state.message if state else ""
    return message if evaluation.status.verdict else f'Evaluation "{evaluation.name}": {message}'


def _unread(broken: Iterable[str]) -> str:
    return f"Evaluation {', '.join(broken)} cannot be read: correct or delete it"


def _newest(bodies: Iterable[Body]) -> tuple[list[Evaluation], list[str]]:
    """The newest evaluation for each question, and the names of those that may be it but cannot be read.

    One that has not ended does not stand in for an earlier one that has. Of those of one second none is known
    to be the newer one: one that passed does not stand in for one that did not.
    """
    newest: dict[Question, Evaluation] = {}
    broken: list[Body] = []
    for body in sorted(bodies, key=_order):
        evaluation = _read(body)
        if evaluation is None:
            broken.append(body)
        elif finished(evaluation) or _question(body) not in newest:
            newest[_question(body)] = evaluation
    return list(newest.values()), [named(body) for body in broken if not _is_answered(body, newest)]


def _order(evaluation: Body) -> tuple[str, bool, str]:
    return _created(evaluation), at(evaluation, "status", "verdict") != "Passed", named(evaluation)


def _read(body: Body) -> Evaluation | None:
    try:
        return Evaluation.model_validate({**body, "status": body.get("status") or {}})
    except ValidationError:
        return None


def _is_answered(broken: Body, newest: Mapping[Question, Evaluation]) -> bool:
    """Whether a later evaluation surely answers the same question, so that this one does not count."""
    later = newest.get(_question(broken))
    return later is not None and "" < _created(broken) < later.metadata.creation_timestamp


def _question(evaluation: Body) -> Question:
    """Dataset, split and gates, as far as they can be read; what cannot is like nothing that can."""
    spec = at(evaluation, "spec")
    results = at(spec, "recorded", "results")
    gates = [at(r, "gate") for r in results] if isinstance(results, list) else at(spec, "run", "gates")
    known = sorted(json.dumps(gate, sort_keys=True) for gate in gates) if isinstance(gates, list) else None
    return (
        repr(at(spec, "dataset", "name")),
        repr(at(spec, "split")),
        None if known is None else tuple(known),
    )


def _created(evaluation: Body) -> str:
    return text(at(evaluation, "metadata", "creationTimestamp"))


def _speaks_of(evaluation: Body, version: ModelVersion) -> bool:
    pinned = at(evaluation, "spec", "modelVersion")
    return (at(pinned, "name"), at(pinned, "digest")) == (version.name, version.spec.artifact.digest)


def _evaluations(version: ModelVersion) -> Query:
    return Query(names.API_VERSION, "Evaluation", version.metadata.namespace or "default")
