"""What a model said about each record, beside the right answer.

Made by ``steps.predicting``; everything is held in memory, one float for each record and output.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

SUM_TOLERANCE = 1e-3
"""How far from 1 scores may add up to and still be probabilities."""


@dataclass(frozen=True)
class Classified:
    """Answers of a model that gives a score for each class."""

    labels: "Array"
    """``[rows]`` int64: the right class, counted from 0."""
    given: "Array"
    """``[rows]`` int64: the class with the highest score."""
    probabilities: "Array"
    """``[rows, classes]`` float64; each row adds up to 1."""

    @classmethod
    def of(cls, labels: "Array", scores: "Array") -> Self:
        """Answers from scores ``[rows, classes]``, which are probabilities or become such by softmax."""
        return cls(labels, scores.argmax(axis=1), probabilities_of(scores))

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes that the model knows."""
        return int(self.probabilities.shape[1])

    def at(self, mask: "Array") -> "Classified":
        """The answers about some of the records."""
        return Classified(self.labels[mask], self.given[mask], self.probabilities[mask])


@dataclass(frozen=True)
class Estimated:
    """Answers of a model that gives a number."""

    labels: "Array"
    """``[rows]`` float64: the right number."""
    given: "Array"
    """``[rows]`` float64."""

    @property
    def rows(self) -> int:
        """Number of records."""
        return len(self.labels)

    def at(self, mask: "Array") -> "Estimated":
        """The answers about some of the records."""
        return Estimated(self.labels[mask], self.given[mask])


Answers = Classified | Estimated


def probabilities_of(scores: "Array") -> "Array":
    """Scores as probabilities.

    They are left as they are if all of them are 0 or more and each row adds up to 1; else they are taken for
    logits. Decided once for all records, so that a slice never sees another rule than the whole.
    """
    import numpy as np

    exact = scores.astype(np.float64)
    if (exact >= 0).all() and (abs(exact.sum(axis=1) - 1) <= SUM_TOLERANCE).all():
        return _shares(exact)
    return _shares(np.exp(exact - exact.max(axis=1, keepdims=True)))


def _shares(amounts: "Array") -> "Array":
    shares: Array = amounts / amounts.sum(axis=1, keepdims=True)
    return shares
