"""Two model versions side by side, A and B: only what was measured on the same records is compared.

Pure. Called by ``cli.compare``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlplane.api.judgement import Gate, GateResult
from mlplane.cards.differences import Differences, differences
from mlplane.cards.measures import Measures, Side, measures
from mlplane.cards.subject import Judged, Subject
from mlplane.cards.wording import needs


class Data(NamedTuple):
    """What versions are judged by."""

    dataset: str
    digest: str
    split: str


class Gated(NamedTuple):
    """A gate, and what came of it for A and for B; None where it was not asked."""

    gate: Gate
    first: GateResult | None
    second: GateResult | None


class Shared(NamedTuple):
    """Data that both versions were measured on."""

    data: Data
    gates: Sequence[Gated]
    measures: Sequence[Measures]
    notes: Sequence[str]
    """What is not compared, and why."""


@dataclass(frozen=True)
class Comparison:
    """All that is known of two versions."""

    first: Subject
    second: Subject
    shared: Sequence[Shared]
    alone: Sequence[tuple[str, Judged]]
    """``A`` or ``B``, and a judgement by data that the other one was not measured on."""
    origin: Differences


def compare(first: Subject, second: Subject) -> Comparison:
    """Compare two versions, as far as they were measured on the same records.

    Args:
        first: Called A.
        second: Called B.
    """
    groups = _by_data(first.judged), _by_data(second.judged)
    shared = [
        found
        for data in dict.fromkeys((*groups[0], *groups[1]))
        if (found := _shared(data, (first, second), (groups[0].get(data, []), groups[1].get(data, []))))
    ]
    known = {found.data for found in shared}
    alone = [
        (letter, judged)
        for letter, subject in (("A", first), ("B", second))
        for judged in subject.judged
        if data_of(judged) not in known or not judged.evaluation.status.verdict
    ]
    return Comparison(first, second, shared, alone, differences(first.version.spec, second.version.spec))


def data_of(judged: Judged) -> Data:
    """The data that an evaluation is by; its digest is empty while it is not known."""
    spec, status = judged.evaluation.spec, judged.evaluation.status
    if judged.report:
        digest = judged.report.dataset.digest
    else:
        digest = status.dataset.digest if status.dataset else spec.dataset.digest or ""
    return Data(spec.dataset.name, digest, spec.split)


def _by_data(found: Iterable[Judged]) -> dict[Data, list[Judged]]:
    groups: dict[Data, list[Judged]] = {}
    for judged in found:
        if judged.evaluation.status.verdict:
            groups.setdefault(data_of(judged), []).append(judged)
    return groups


def _shared(
    data: Data, subjects: tuple[Subject, Subject], judged: tuple[list[Judged], list[Judged]]
) -> Shared | None:
    """What both were measured on; None if one of them was not."""
    sides = [_own(judged[place]) or _as_baseline(judged[1 - place], subjects[place]) for place in range(2)]
    if not all(judged) and not all(sides):
        return None
    gates = list(_gates(*judged))
    if sides[0] is None or sides[1] is None:
        problems = [
            f"{each.evaluation.name}: {each.problem}" for group in judged for each in group if each.problem
        ]
        return Shared(data, gates, [], problems)
    return Shared(data, gates, *measures(sides[0], sides[1]))


def _own(judged: Iterable[Judged]) -> Side | None:
    return next((Side(each.report) for each in judged if each.report), None)


def _as_baseline(judged: Iterable[Judged], subject: Subject) -> Side | None:
    """What the other's report says of a version that it was compared with."""
    digest = subject.version.spec.artifact.digest
    for each in judged:
        if each.report and each.report.baseline and each.report.baseline.version.digest == digest:
            return Side(each.report, is_baseline=True)
    return None


def _gates(first: Iterable[Judged], second: Iterable[Judged]) -> Iterator[Gated]:
    left, right = ({_key(r.gate): r for each in judged for r in each.results} for judged in (first, second))
    for key, result in (left | right).items():
        yield Gated(result.gate, left.get(key), right.get(key))


def _key(gate: Gate) -> tuple[str, ...]:
    return gate.metric, gate.slice or "", needs(gate), gate.severity or "Error"
