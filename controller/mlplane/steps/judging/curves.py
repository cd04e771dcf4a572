"""What a model card is drawn from: points of curves, bins and histograms, few enough for a person."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlplane.steps.judging.answers import Answers, Classified, Estimated
from mlplane.steps.judging.metrics import ranked_classes

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]

POINTS = 200
"""Most points of a curve."""
DRAWN_CLASSES = 20
"""Above this, no curves: nobody tells more lines apart."""
CONFUSED_CLASSES = 200
"""Above this, no confusion matrix."""
BINS = 10
_DIGITS = 6


def curves_of(answers: Answers) -> dict[str, Any]:
    """The plots of a report, by name; what is not defined or too large is left out."""
    return _classified(answers) if isinstance(answers, Classified) else _residuals(answers)


def rounded(value: float) -> float:
    """A number of a report: six digits that count, the same on every machine."""
    return float(f"{value:.{_DIGITS}g}")


def thinned(length: int, most: int = POINTS) -> list[int]:
    """Indices of at most so many points of a sequence, evenly, with the first and the last."""
    if length <= most:
        return list(range(length))
    return [round(index * (length - 1) / (most - 1)) for index in range(most)]


def _classified(answers: Classified) -> dict[str, Any]:
    import numpy as np

    found: dict[str, Any] = {"calibration": _calibration(answers)}
    if answers.classes <= CONFUSED_CLASSES:
        cells = answers.labels * answers.classes + answers.given
        counts = np.bincount(cells, minlength=answers.classes**2)
        found["confusion"] = counts.reshape(answers.classes, answers.classes).tolist()
    classes = ranked_classes(answers)
    if classes and answers.classes <= DRAWN_CLASSES:
        found["roc"] = [_roc(answers, label) for label in classes]
        found["precisionRecall"] = [_precision_recall(answers, label) for label in classes]
    return found


def _roc(answers: Classified, label: int) -> dict[str, Any]:
    from sklearn.metrics import roc_curve

    fall_out, recall, _ = roc_curve(answers.labels == label, answers.probabilities[:, label])
    return {"class": label, "falsePositiveRate": _points(fall_out), "truePositiveRate": _points(recall)}


def _precision_recall(answers: Classified, label: int) -> dict[str, Any]:
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(answers.labels == label, answers.probabilities[:, label])
    return {"class": label, "precision": _points(precision), "recall": _points(recall)}


def _points(values: "Sequence[float] | Array") -> list[float]:
    return [rounded(values[index]) for index in thinned(len(values))]


def _calibration(answers: Classified) -> list[dict[str, Any]]:
    """How sure the model was of the class that it gave, and how often it was right, in bins of sureness."""
    import numpy as np

    sure = answers.probabilities[np.arange(answers.rows), answers.given]
    right = answers.given == answers.labels
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    return [
        {
            "rows": int(inside.sum()),
            "confidence": rounded(sure[inside].mean()),
            "accuracy": rounded(right[inside].mean()),
        }
        for bin_ in range(BINS)
        if (inside := bins == bin_).any()
    ]


def _residuals(answers: Estimated) -> dict[str, Any]:
    """How many answers were off by how much."""
    import numpy as np

    counts, edges = np.histogram(answers.given - answers.labels, bins=2 * BINS)
    return {"residuals": {"edges": [rounded(edge) for edge in edges], "rows": counts.tolist()}}
