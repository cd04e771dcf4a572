"""Models of every form, asked about records."""

import dataclasses

import numpy as np
import pytest
import torch

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import Judgement
from mlplane.api.modelversion import Signature
from mlplane.errors import InvalidInput, MlplaneError
from mlplane.steps import predicting
from mlplane.steps.predicting import Predictor, check_inputs, predict

COLUMNS = [
    DataColumn(name="x", type="Number", width=2),
    DataColumn(name="country", type="String"),
    DataColumn(name="y", type="Integer"),
]


def plan(**more):
    return Judgement.model_validate({"label": "y", "gates": [{"metric": "accuracy", "min": "0"}]} | more)


def batch(labels=(0, 1, 1, 0)):
    rows = len(labels)
    return {
        "x": np.stack([np.arange(rows), np.ones(rows)], axis=1).astype("float32"),
        "country": np.array(["DE", "AT"] * rows, dtype=object)[:rows],
        "y": np.array(labels),
    }


def predictor(module, name="x", shape=(-1, 2)):
    tensor = {"name": name, "datatype": "FP32", "shape": shape}
    signature = {"inputs": [tensor], "outputs": [tensor | {"name": "scores"}]}
    return Predictor("model", module, Signature.model_validate(signature))


def attempt(module, labels=(0, 1, 1, 0), **form):
    settings = {name: form.pop(name) for name in ("task", "label") if name in form}
    asked = predictor(module, **form)
    check_inputs(asked.who, asked.signature, COLUMNS, "y")
    return predict([asked], [batch(labels), batch(labels)], plan(**settings), COLUMNS)


def fails(_):
    raise RuntimeError("shapes differ")


def looks_up(_):
    """As an embedding does that is asked for a value that it has not learnt."""
    return torch.nn.Embedding(2, 2)(torch.tensor([5]))


@pytest.mark.parametrize(
    ("module", "task", "wanted"),
    [
        (lambda x: x, "Classification", [[0, 1], [1, 1], [2, 1], [3, 1]]),
        (lambda x: (x, x * 0), "Classification", [[0, 1], [1, 1], [2, 1], [3, 1]]),
        (lambda x: x[:, 0], "Regression", [0, 1, 2, 3]),
        (lambda x: x[:, :1], "Regression", [0, 1, 2, 3]),
    ],
)
def test_what_a_model_gives_is_kept_for_each_record(module, task, wanted):
    found = attempt(module, task=task)
    assert found.outputs[0].tolist() == wanted * 2
    assert found.labels.tolist() == [0, 1, 1, 0] * 2


@pytest.mark.parametrize(
    ("module", "form", "message"),
    [
        (
            lambda x: x,
            {"labels": (0, 2, 1, 0)},
            "column y has labels other than 0 to 1, the classes of the model",
        ),
        (lambda x: x, {"labels": (0, -1, 1, 0)}, "column y has labels other than 0 to 1"),
        (lambda x: x, {"labels": (0, np.nan, 1, 0)}, "column y has records without a label"),
        (
            lambda x: x[:, :1],
            {},
            "the model's first output has the shape [4, 1]; Classification needs [rows, classes]",
        ),
        (lambda x: x[:, 0], {}, "the model's first output has the shape [4]; Classification needs"),
        (lambda x: x[:2], {}, "the model's first output has the shape [2, 2]; Classification needs"),
        (lambda x: x, {"task": "Regression"}, "shape [4, 2]; Regression needs [rows] or [rows, 1]"),
        (lambda x: x / 0, {}, "the model gives scores that are not finite numbers"),
        (lambda x: x.repeat(1, 501), {}, "the model gives 1002 scores for a row; at most 1000 are judged"),
        (fails, {}, "the model fails on the evaluation split: RuntimeError: shapes differ"),
        (looks_up, {}, "the model fails on the evaluation split: IndexError: index out of range"),
        (lambda x: x, {"shape": (-1, 3)}, "the model's input 'x' has the shape [-1, 3]; the column has [2]"),
        (
            lambda x: x,
            {"name": "z"},
            "the model's input 'z' is no column of the dataset (x, country); name the inputs after columns",
        ),
        (
            lambda x: x,
            {"name": "country", "shape": (-1,)},
            "'country' is a column that does not hold numbers",
        ),
        (lambda x: x, {"name": "y", "shape": (-1,)}, "the model takes 'y' as an input, which is the answer"),
    ],
)
def test_what_cannot_be_judged_is_told(module, form, message):
    with pytest.raises(MlplaneError) as caught:
        attempt(module, **form)
    assert message in str(caught.value)


def test_all_models_are_asked_about_the_same_records_and_slices_are_told():
    parts = [{"name": "austria", "column": "country", "values": ["AT"]}]
    found = predict(
        [predictor(lambda x: x), predictor(lambda x: -x)],
        iter([batch(), batch((1, 1))]),
        plan(slices=parts),
        COLUMNS,
    )
    one, other = found.outputs
    assert (one == -other).all()
    assert found.slices["austria"].tolist() == [False, True, False, True, False, True]


def test_a_baseline_that_does_not_know_a_class_is_named():
    older = dataclasses.replace(predictor(lambda x: x), who="baseline")
    newer = predictor(lambda x: torch.cat([x, x], dim=1))
    with pytest.raises(InvalidInput, match="labels other than 0 to 1, the classes of the baseline"):
        predict([newer, older], [batch((0, 2))], plan(), COLUMNS)


def test_more_outputs_than_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr(predicting, "MAX_FLOATS", 15)
    with pytest.raises(InvalidInput, match="more than 15 outputs"):
        attempt(lambda x: x)
