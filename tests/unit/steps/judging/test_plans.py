"""What can be said before anything is judged."""

import pytest

from mlplane.api.dataset import DataColumn
from mlplane.errors import InvalidInput
from mlplane.steps.judging.plans import check_judgement, check_leakage, check_metrics
from mlplane.tasks import JudgeTask

COLUMNS = [
    DataColumn(name="x", type="Number"),
    DataColumn(name="pixels", type="Integer", width=4),
    DataColumn(name="y", type="Integer"),
    DataColumn(name="ok", type="Boolean"),
]
DIGESTS = {name: "sha256:" + letter * 64 for name, letter in (("train", "1"), ("test", "2"))}


def task(trained_on=(), **plan):
    whole = {"split": "test", "label": "y", "gates": [{"metric": "accuracy", "min": "0"}]} | plan
    return JudgeTask.model_validate(
        {
            "model": "m",
            "dataset": {"name": "d", "digest": "sha256:" + "d" * 64},
            "splits": [{"name": name, "digest": digest, "rows": 5} for name, digest in DIGESTS.items()],
            "plan": whole,
            "trainedOn": trained_on,
        }
    )


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"label": "ok"},
        {"task": "Regression", "label": "x", "gates": [{"metric": "rmse", "max": "1"}]},
        {"task": "Regression", "gates": [{"metric": "r2", "min": "0"}]},
        {"evaluator": "judge.py", "gates": [{"metric": "cost", "max": "1"}]},
        {
            "slices": [{"name": "low", "column": "x", "below": "1"}],
            "gates": [{"metric": "f1", "slice": "low", "min": "0"}],
        },
    ],
)
def test_what_fits_is_let_through(plan):
    check_judgement(task(**plan).plan, COLUMNS, "d")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"label": "x"}, "label 'x' is no single Integer or Boolean column of dataset d: it has y, ok"),
        ({"label": "pixels"}, "label 'pixels' is no single"),
        (
            {"task": "Regression", "label": "ok"},
            "no single Integer or Number column of dataset d: it has x, y",
        ),
        (
            {"gates": [{"metric": "acuracy", "min": "0"}]},
            "'acuracy' names no metric of Classification: known are accuracy, balanced_accuracy, f1",
        ),
        ({"gates": [{"metric": "rmse", "max": "1"}]}, "'rmse' names no metric of Classification"),
        ({"task": "Regression"}, "'accuracy' names no metric of Regression: known are mae, rmse, r2"),
        (
            {"gates": [{"metric": "accuracy", "slice": "old", "min": "0"}]},
            "the gate on 'accuracy' names slice 'old': the plan has no slices",
        ),
        (
            {"slices": [{"name": "a", "column": "z", "min": "0"}]},
            "slice 'a': column 'z' is not in the dataset",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_what_is_allowed(plan, message):
    with pytest.raises(InvalidInput, match=message):
        check_judgement(task(**plan).plan, COLUMNS, "d")


def test_a_metric_that_the_evaluator_did_not_give_is_told():
    plan = task(evaluator="judge.py", gates=[{"metric": "cost", "max": "1"}]).plan
    check_metrics(plan, ["cost"])
    with pytest.raises(InvalidInput, match=r"'cost' names no metric .*log_loss, price"):
        check_metrics(plan, ["price"])


def test_a_split_that_the_model_was_trained_on_is_refused():
    check_leakage(task([DIGESTS["train"]]))
    with pytest.raises(InvalidInput, match=f"trained on split 'test' of dataset d \\({DIGESTS['test']}\\)"):
        check_leakage(task(list(DIGESTS.values())))


def test_a_split_that_the_dataset_lacks_is_told():
    with pytest.raises(InvalidInput, match="split 'holdout' is not in dataset d: it has train, test"):
        check_leakage(task(split="holdout"))
