"""The metrics: which there are, and their values by scikit-learn, which is imported late."""

from collections.abc import Callable
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

from mlplane.steps.judging.answers import Answers, Classified, Estimated

if TYPE_CHECKING:
    import numpy

Task = Literal["Classification", "Regression"]
CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "precision",
    "recall",
    "roc_auc",
    "average_precision",
    "log_loss",
)
REGRESSION = ("mae", "rmse", "r2", "median_absolute_error")
RANKED_CLASSES = 100
"""Above this, no metric that ranks the records anew for each class."""

Values = dict[str, float | None]


def names_of(task: Task) -> tuple[str, ...]:
    """The metrics of a task, in the order in which they are reported."""
    return CLASSIFICATION if task == "Classification" else REGRESSION


def values_of(answers: Answers) -> Values:
    """The value of each metric; None where it is not defined.

    Precision, recall and f1 are means over the classes that occur, as labels or as answers; a class that was
    never answered has the precision 0. roc_auc and average_precision are those of class 1 of two, or means
    over all classes, each against the rest: they need a record of every class. r2 needs labels that differ.
    What is beyond a double is not defined either.
    """
    if not answers.rows:
        return dict.fromkeys(CLASSIFICATION if isinstance(answers, Classified) else REGRESSION)
    found = _classified(answers) if isinstance(answers, Classified) else _estimated(answers)
    return {name: None if value is None or not isfinite(value) else value for name, value in found.items()}


def ranked_classes(answers: Classified) -> tuple[int, ...]:
    """The classes that records are ranked for; empty where a ranking is not defined."""
    import numpy as np

    present = np.bincount(answers.labels, minlength=answers.classes)
    if not present.all() or not 2 <= answers.classes <= RANKED_CLASSES:
        return ()
    return (1,) if answers.classes == 2 else tuple(range(answers.classes))


def _classified(answers: Classified) -> Values:
    from sklearn import metrics

    labels, given = answers.labels, answers.given
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, given, average="macro", zero_division=0
    )
    _, recalls, _, support = metrics.precision_recall_fscore_support(labels, given, zero_division=0)
    return {
        "accuracy": float(metrics.accuracy_score(labels, given)),
        "balanced_accuracy": float(recalls[support > 0].mean()),
        "f1": float(f1),
        "precision": float(precision),
        "recall": float(recall),
        "roc_auc": _ranked(answers, metrics.roc_auc_score),
        "average_precision": _ranked(answers, metrics.average_precision_score),
        "log_loss": float(
            metrics.log_loss(labels, answers.probabilities, labels=list(range(answers.classes)))
        ),
    }


def _ranked(answers: Classified, score: Callable[["numpy.ndarray[Any, Any]", Any], float]) -> float | None:
    """The mean over classes of a metric of two classes."""
    scores = [
        float(score(answers.labels == label, answers.probabilities[:, label]))
        for label in ranked_classes(answers)
    ]
    return sum(scores) / len(scores) if scores else None


def _estimated(answers: Estimated) -> Values:
    import numpy as np
    from sklearn import metrics

    labels, given = answers.labels, answers.given
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "mae": float(metrics.mean_absolute_error(labels, given)),
            "rmse": float(metrics.root_mean_squared_error(labels, given)),
            "r2": float(metrics.r2_score(labels, given)) if labels.min() < labels.max() else None,
            "median_absolute_error": float(metrics.median_absolute_error(labels, given)),
        }
