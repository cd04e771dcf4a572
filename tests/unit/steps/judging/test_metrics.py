"""Metrics against what one would write down from their definitions."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mlplane.steps.judging.answers import Classified, Estimated, probabilities_of
from mlplane.steps.judging.metrics import CLASSIFICATION, REGRESSION, names_of, values_of


def classified(rows, classes, seed=0, *, levels=None):
    """Answers that are right more often than not; few levels make scores that are equal."""
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(classes, size=rows - classes)])
    scores = random.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[labels]
    return Classified.of(labels, scores if levels is None else np.round(scores * levels) / levels)


def naive(answers):
    """Each metric by loops and counts."""
    labels, given = answers.labels.tolist(), answers.given.tolist()
    pairs = list(zip(labels, given, strict=True))
    occur = sorted(set(labels) | set(given))
    recall, precision, f1 = {}, {}, {}
    for c in occur:
        right = sum(a == b == c for a, b in pairs)
        support, answered = labels.count(c), given.count(c)
        recall[c] = right / support if support else 0
        precision[c] = right / answered if answered else 0
        f1[c] = 2 * right / (support + answered)
    mean = lambda values: sum(values) / len(values)  # noqa: E731
    return {
        "accuracy": mean([a == b for a, b in pairs]),
        "balanced_accuracy": mean([recall[c] for c in set(labels)]),
        "f1": mean([*f1.values()]),
        "precision": mean([*precision.values()]),
        "recall": mean([*recall.values()]),
        "log_loss": mean([-np.log(answers.probabilities[i, label]) for i, label in enumerate(labels)]),
        "roc_auc": mean([naive_auc(answers, c) for c in ranked(answers)]),
        "average_precision": mean([naive_average_precision(answers, c) for c in ranked(answers)]),
    }


def ranked(answers):
    return [1] if answers.classes == 2 else range(answers.classes)


def naive_auc(answers, label):
    scores, right = answers.probabilities[:, label], answers.labels == label
    wins = [(p > n) + (p == n) / 2 for p in scores[right] for n in scores[~right]]
    return sum(wins) / len(wins)


def naive_average_precision(answers, label):
    scores, right = answers.probabilities[:, label], answers.labels == label
    return np.mean([right[scores >= score].mean() for score in scores[right]])


@pytest.mark.parametrize("levels", [None, 1], ids=["scores that differ", "scores that are often equal"])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_metrics_of_classes_are_those_of_their_definitions(classes, levels):
    for seed in range(5):
        answers = classified(60, classes, seed, levels=levels)
        values = values_of(answers)
        assert list(values) == list(CLASSIFICATION)
        assert values == pytest.approx(naive(answers), rel=1e-9)


def test_metrics_of_numbers_are_those_of_their_definitions():
    random = np.random.default_rng(1)
    labels = random.normal(size=101)
    answers = Estimated(labels, labels + random.normal(size=101) / 3)
    errors = answers.given - labels
    values = values_of(answers)
    assert list(values) == list(REGRESSION)
    assert values == pytest.approx(
        {
            "mae": sum(abs(e) for e in errors) / 101,
            "rmse": (sum(e * e for e in errors) / 101) ** 0.5,
            "r2": 1 - sum(errors**2) / sum((labels - labels.mean()) ** 2),
            "median_absolute_error": sorted(abs(errors))[50],
        }
    )


def test_a_ranking_needs_a_record_of_each_class():
    answers = classified(60, 3)
    values = values_of(answers.at(answers.labels != 2))
    assert values["roc_auc"] is values["average_precision"] is None
    assert all(
        values[name] is not None for name in CLASSIFICATION if name not in ("roc_auc", "average_precision")
    )


def test_a_share_of_explained_variance_needs_labels_that_differ():
    values = values_of(Estimated(np.ones(4), np.zeros(4)))
    assert values["r2"] is None
    assert values["mae"] == 1


def test_what_is_beyond_a_double_is_not_defined():
    values = values_of(Estimated(np.array([0.0, 1.0]), np.array([1e300, -1e300])))
    assert values["rmse"] is values["r2"] is None
    assert values["mae"] == 1e300


@pytest.mark.parametrize("task", ["Classification", "Regression"])
def test_of_no_records_no_metric_is_defined(task):
    answers = classified(10, 2) if task == "Classification" else Estimated(np.ones(3), np.ones(3))
    assert values_of(answers.at(np.zeros(answers.rows, dtype=bool))) == dict.fromkeys(names_of(task))


def test_many_classes_are_judged_without_being_ranked():
    values = values_of(classified(400, 101))
    assert values["roc_auc"] is None
    assert values["f1"] is not None


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([[0.2, 0.8], [1.0, 0.0]], [[0.2, 0.8], [1.0, 0.0]]),
        ([[0.2, 0.8], [1.0, 0.1]], "softmax"),
        ([[-0.2, 1.2], [0.5, 0.5]], "softmax"),
        ([[1000.0, -1000.0]], [[1.0, 0.0]]),
    ],
    ids=["probabilities", "not all add up to 1", "one is negative", "large logits"],
)
def test_scores_are_probabilities_or_become_such(scores, wanted):
    array = np.array(scores, dtype=np.float32)
    if wanted == "softmax":
        wanted = np.exp(array) / np.exp(array).sum(axis=1, keepdims=True)
    assert probabilities_of(array) == pytest.approx(np.array(wanted), abs=1e-6)


def test_the_certainly_wrong_are_punished_by_a_finite_loss():
    answers = Classified.of(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert 10 < values_of(answers)["log_loss"] < 40


def test_ranking_follows_the_scores_of_scikit_learn():
    answers = classified(200, 2)
    assert values_of(answers)["roc_auc"] == roc_auc_score(answers.labels, answers.probabilities[:, 1])
