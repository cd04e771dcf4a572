"""What a card is about: a model version, and the evaluations that its approval rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlplane import names
from mlplane.api import Evaluation, ModelVersion
from mlplane.api.judgement import GateResult
from mlplane.api.meta import Condition
from mlplane.cards.report import Report

NOT_LOOKED_AT = "no controller has looked at it yet"


@dataclass(frozen=True)
class Judged:
    """An evaluation, and its report as far as it can be had."""

    evaluation: Evaluation
    report: Report | None = None
    problem: str = ""
    """Why there is no report."""

    @property
    def verdict(self) -> str:
        """Its verdict, or that there is none."""
        return self.evaluation.status.verdict or "Not judged"

    @property
    def results(self) -> Sequence[GateResult]:
        """Each gate with its numbers; none where no verdict stands."""
        return self.evaluation.status.results

    @property
    def message(self) -> str:
        """Why it is as it is."""
        return message_of(self.evaluation.status.conditions, names.READY)


@dataclass(frozen=True)
class Subject:
    """A model version and how it was judged, newest first."""

    version: ModelVersion
    judged: Sequence[Judged] = ()

    @property
    def is_approved(self) -> bool:
        """Whether it may be served."""
        return any(c.type == names.APPROVED and c.status == "True" for c in self.version.status.conditions)

    @property
    def message(self) -> str:
        """Why it is approved or not."""
        return message_of(self.version.status.conditions, names.APPROVED)


def message_of(conditions: Sequence[Condition], type_: str) -> str:
    """What a condition says."""
    return next((c.message for c in conditions if c.type == type_), NOT_LOOKED_AT)
