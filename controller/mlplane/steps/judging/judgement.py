"""From what models said to the results of all gates. Pure: ``steps.evaluate`` fetches, asks and stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlplane.api.judgement import MIN_SAMPLES, GateResult, Judgement
from mlplane.steps.judging.answers import Answers
from mlplane.steps.judging.draws import seed_of
from mlplane.steps.judging.gates import judge
from mlplane.steps.judging.measuring import Part, measure
from mlplane.steps.judging.plans import check_metrics

if TYPE_CHECKING:
    import numpy

    Masks = Mapping[str, numpy.ndarray[Any, Any]]

ALL = ""
"""Name of the part that holds all records."""
Given = Mapping[str, Mapping[str, float]]
"""Metrics of a user's evaluator, for each part of the records."""


@dataclass(frozen=True)
class Judged:
    """A model, and its baseline if there is one, on all records and on each slice."""

    whole: Part
    slices: Mapping[str, Part]

    def part(self, name: str | None) -> Part:
        """Where a gate looks."""
        return self.slices[name] if name else self.whole


def judged(
    answers: Sequence[Answers], masks: "Masks", given: Sequence[Given], question: Sequence[str]
) -> Judged:
    """Measure a model everywhere.

    Args:
        answers: Of the model, and of its baseline if there is one.
        masks: Which records belong to each slice.
        given: Of the evaluator, for each model.
        question: What is judged by what: seeds the bootstrap.
    """
    own = [*given, {}, {}]

    def part(name: str, here: Sequence[Answers]) -> Part:
        found = measure(here[0], here[1] if len(here) > 1 else None, seed_of((*question, name)))
        return found.with_own(own[0].get(name, {}), own[1].get(name, {}))

    slices = {name: part(name, [each.at(mask) for each in answers]) for name, mask in masks.items()}
    return Judged(part(ALL, answers), slices)


def results_of(plan: Judgement, found: Judged, *, compared: bool) -> tuple[GateResult, ...]:
    """Each gate with what was measured.

    Args:
        plan: The gates.
        found: What was measured.
        compared: Whether there is a baseline.

    Raises:
        InvalidInput: a gate names a metric that nobody knows.
    """
    parts = (found.whole, *found.slices.values())
    check_metrics(plan, sorted({name for part in parts for name in part.metrics}))
    return tuple(
        judge(
            gate,
            found.part(gate.slice).measured(gate.metric),
            min_samples=plan.min_samples or MIN_SAMPLES,
            compared=compared,
        )
        for gate in plan.gates
    )
