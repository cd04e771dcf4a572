"""Bootstrap samples, and the metrics in them."""

import numpy as np
import pytest

from mlplane.steps.judging.answers import Classified, Estimated
from mlplane.steps.judging.draws import BLOCKS, Draws, interval, seed_of
from mlplane.steps.judging.metrics import values_of
from mlplane.steps.judging.resampled import resampled


def classified(rows, classes, seed=0, *, shift=1.0, levels=None):
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(classes, size=rows - classes)])
    scores = random.normal(size=(rows, classes)) + shift * np.eye(classes)[labels]
    return Classified.of(labels, scores if levels is None else np.round(scores * levels) / levels)


def estimated(rows, seed=0):
    random = np.random.default_rng(seed)
    labels = random.normal(size=rows)
    return Estimated(labels, labels + random.normal(size=rows))


def repeated(answers, weights):
    """The sample itself: each record as often as it was drawn."""
    return answers.at(np.repeat(np.arange(answers.rows), weights.astype(int)))


@pytest.mark.parametrize(
    "answers",
    [classified(50, 2), classified(51, 4, levels=1), estimated(50), estimated(51)],
    ids=["two classes", "four classes", "numbers", "an odd number of numbers"],
)
def test_with_every_weight_1_each_metric_has_its_value(answers):
    draws = Draws(np.arange(answers.rows), np.ones((3, answers.rows)))
    values = {name: value for name, value in values_of(answers).items() if value is not None}
    found = resampled(answers, draws)
    assert found.keys() == values.keys()
    for name, value in values.items():
        assert found[name] == pytest.approx([value] * 3), name


@pytest.mark.parametrize(
    "answers",
    [classified(80, 3), estimated(80), estimated(3 * BLOCKS + 1)],
    ids=["classes", "numbers", "more numbers than blocks"],
)
def test_each_sample_has_the_metrics_of_the_records_that_were_drawn(answers):
    draws = Draws.of(answers.rows, seed=5, samples=20)
    found = resampled(answers, draws)
    for sample, weights in enumerate(draws.weights):
        for name, value in values_of(repeated(answers, weights[draws.blocks])).items():
            linearised = name in ("roc_auc", "average_precision")
            assert found[name][sample] == pytest.approx(value, abs=0.03 if linearised else 1e-9), name


@pytest.mark.parametrize("rows", [1, 7, BLOCKS, 3 * BLOCKS + 1])
def test_a_sample_has_as_many_records_as_there_are(rows):
    draws = Draws.of(rows, seed=1, samples=10)
    assert draws.total(np.ones(rows)) == pytest.approx([rows] * 10, rel=0.1)
    assert np.bincount(draws.blocks).max() - np.bincount(draws.blocks).min() <= 1


def test_counts_are_sums_of_weights():
    draws = Draws.of(30, seed=2, samples=4)
    classes = np.arange(30) % 3
    counts = draws.counts(classes, 3)
    for c in range(3):
        assert (counts[:, c] == draws.total(classes == c)).all()
    assert (draws.counts(classes, 3, classes == 1)[:, [0, 2]] == 0).all()


def test_the_same_seed_draws_the_same_and_another_one_others():
    assert (Draws.of(9, 1).weights == Draws.of(9, 1).weights).all()
    assert (Draws.of(9, 1).weights != Draws.of(9, 2).weights).any()
    assert seed_of(["a", "b"]) == seed_of(["a", "b"]) != seed_of(["ab"])


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_most_intervals_hold_the_value_of_all_records_that_there_could_be(metric):
    truth = values_of(classified(50_000, 2, seed=99))[metric]
    held = 0
    for seed in range(40):
        low, high = interval(resampled(classified(60, 2, seed), Draws.of(60, seed, samples=300))[metric])
        held += low <= truth <= high
    assert 34 <= held <= 40, "95 % of 40 are 38"


@pytest.mark.parametrize("rows", [BLOCKS // 2, 4 * BLOCKS])
def test_an_interval_is_as_wide_as_the_deviation_of_a_share_says(rows):
    answers = classified(rows, 2)
    share = values_of(answers)["accuracy"]
    low, high = interval(resampled(answers, Draws.of(rows, seed=3))["accuracy"])
    assert high - low == pytest.approx(2 * 1.96 * (share * (1 - share) / rows) ** 0.5, rel=0.15)
    assert low < share < high


def test_a_difference_is_told_more_exactly_by_pairs_than_by_two_intervals():
    better = classified(300, 2, shift=1.2)
    worse = Classified.of(better.labels, better.probabilities.copy())
    worse.given[:10] = 1 - worse.labels[:10]
    draws = Draws.of(300, 0)
    before, after = (resampled(answers, draws)["accuracy"] for answers in (worse, better))
    low, high = interval(after - before)
    apart = np.subtract(*interval(after)[::-1])
    assert high - low < apart
    assert low <= values_of(better)["accuracy"] - values_of(worse)["accuracy"] <= high


def test_what_is_defined_in_few_samples_has_no_interval():
    assert interval(np.array([np.nan] * 6 + [1.0] * 4)) is None
    assert interval(np.array([np.nan] * 4 + [1.0] * 6)) == (1, 1)


def test_one_record_gives_an_interval_of_its_value():
    answers = Estimated(np.array([1.0]), np.array([3.0]))
    found = resampled(answers, Draws.of(1, 0))
    assert interval(found["mae"]) == (2, 2)
    assert interval(found["r2"]) is None
