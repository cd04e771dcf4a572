"""The value of each metric in every bootstrap sample, for all samples at once.

Counts, means and sums are exact for each sample. The two rankings are linearised: the area under the ROC
curve by its structural components (DeLong et al. 1988), the average precision by its derivative with regard
to the weight of each record (infinitesimal jackknife); to rank a hundred thousand records a thousand times
would take minutes. With every weight 1 each function gives the value of ``judging.metrics``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from mlplane.steps.judging.answers import Answers, Classified, Estimated
from mlplane.steps.judging.draws import Draws
from mlplane.steps.judging.metrics import ranked_classes

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, Any]


_PARTS = 1000
"""Into how many parts the records are divided to look for a median."""


def resampled(answers: Answers, draws: Draws) -> "dict[str, Array]":
    """Each metric as ``[samples]``; NaN where it is not defined in a sample, left out where it never is."""
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if isinstance(answers, Classified):
            return _counted(answers, draws) | _ranked(answers, draws) | _log_loss(answers, draws)
        return _estimated(answers, draws)


def _counted(answers: Classified, draws: Draws) -> "dict[str, Array]":
    """What follows from how many records of each class got the right answer."""
    import numpy as np

    classes = answers.classes
    support = draws.counts(answers.labels, classes)
    answered = draws.counts(answers.given, classes)
    right = draws.counts(answers.labels, classes, answers.labels == answers.given)
    recall = np.where(support > 0, right / support, 0)
    precision = np.where(answered > 0, right / answered, 0)
    f1 = np.where(support + answered > 0, 2 * right / (support + answered), 0)
    occur = (support + answered > 0).sum(axis=1)
    return {
        "accuracy": right.sum(axis=1) / support.sum(axis=1),
        "balanced_accuracy": recall.sum(axis=1) / (support > 0).sum(axis=1),
        "f1": f1.sum(axis=1) / occur,
        "precision": precision.sum(axis=1) / occur,
        "recall": recall.sum(axis=1) / occur,
    }


def _log_loss(answers: Classified, draws: Draws) -> "dict[str, Array]":
    import numpy as np

    right = answers.probabilities[np.arange(answers.rows), answers.labels]
    losses = -np.log(np.clip(right, np.finfo(np.float64).eps, 1))
    return {"log_loss": draws.total(losses) / draws.total(np.ones(answers.rows))}


def _ranked(answers: Classified, draws: Draws) -> "dict[str, Array]":
    """Means over the classes that records are ranked for."""

    def mean(metric: "Callable[[Array, Array, Draws], Array]") -> Any:
        each = [metric(answers.labels == c, answers.probabilities[:, c], draws) for c in classes]
        return sum(each) / len(each)

    classes = ranked_classes(answers)
    return {"roc_auc": mean(_roc_auc), "average_precision": mean(_average_precision)} if classes else {}


def _roc_auc(right: "Array", scores: "Array", draws: Draws) -> "Array":
    import numpy as np

    below = np.empty(len(scores))
    """Share of the other class that a record is ranked on the right side of; ties count half."""
    for one, other, sign in ((right, ~right, 1), (~right, right, -1)):
        ordered = np.sort(sign * scores[other])
        found = [np.searchsorted(ordered, sign * scores[one], side=side) for side in ("left", "right")]
        below[one] = sum(found) / (2 * len(ordered))
    area = below[right].mean()
    positive = draws.total(below * right) / draws.total(right)
    negative = draws.total(below * ~right) / draws.total(~right)
    areas: Array = np.clip(positive + negative - area, 0, 1)
    return areas


def _average_precision(right: "Array", scores: "Array", draws: Draws) -> "Array":
    """The mean over the records of a class of the precision where each is found."""
    import numpy as np

    _, place, sizes = np.unique(-scores, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=right)
    found, seen = hits.cumsum(), sizes.cumsum()
    precision, positives = found / seen, found[-1]
    average = (hits * precision).sum() / positives
    # A record counts towards seen, and if it is of the class towards found, wherever it is ranked above.
    later_found = _from_here(hits / seen)
    later_seen = _from_here(hits * found / seen**2)
    slope = right * (precision[place] + later_found[place] - average) - later_seen[place]
    change = draws.total(slope / positives)
    averages: Array = np.clip(average + change, 0, 1)
    averages[draws.total(right) == 0] = np.nan
    return averages


def _from_here(values: "Array") -> "Array":
    """The sum of each value and of all behind it."""
    reversed_sums: Array = values[::-1].cumsum()[::-1]
    return reversed_sums


def _estimated(answers: Estimated, draws: Draws) -> "dict[str, Array]":
    import numpy as np

    errors = answers.given - answers.labels
    rows = draws.total(np.ones(answers.rows))
    squares = draws.total(errors**2)
    centred = answers.labels - answers.labels.mean()
    spread = draws.total(centred**2) - draws.total(centred) ** 2 / rows
    varied = spread > 1e-12 * draws.total(centred**2)
    return {
        "mae": draws.total(abs(errors)) / rows,
        "rmse": np.sqrt(squares / rows),
        "r2": np.where(varied, 1 - squares / spread, np.nan),
        "median_absolute_error": _medians(abs(errors), draws),
    }


def _medians(values: "Array", draws: Draws) -> "Array":
    """The median of each sample: the middle of the two values that the half of the weight lies between.

    Only the part of the ordered records where that is has to be looked at for each sample.
    """
    import numpy as np

    order = values.argsort()
    ordered, blocks = values[order], draws.blocks[order]
    size = -(-len(values) // _PARTS)
    reached = draws.counts(*_places(size, order)).cumsum(axis=1)

    def first(sample: int, side: Literal["left", "right"]) -> Any:
        """The first value where more than half of the weight (right), or half of it, is reached."""
        half = reached[sample, -1] / 2
        part = np.searchsorted(reached[sample], half, side=side)
        weights = draws.weights[sample, blocks[part * size : (part + 1) * size]].cumsum()
        before = reached[sample, part - 1] if part else 0
        return ordered[part * size + np.searchsorted(weights + before, half, side=side)]

    samples = range(len(draws.weights))
    return np.array([(first(sample, "left") + first(sample, "right")) / 2 for sample in samples])


def _places(size: int, order: "Array") -> "tuple[Array, int]":
    """In which part of the order each record is, and how many parts there are."""
    import numpy as np

    places = np.empty_like(order)
    places[order] = np.arange(len(order)) // size
    return places, -(-len(order) // size)
