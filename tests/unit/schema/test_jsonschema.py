import copy

import jsonschema
import pytest

import builders as b
from mlplane.api import KINDS
from mlplane.schema.jsonschema import json_schema_for

OBJECTS = {
    "Dataset": b.ready_dataset(),
    "TrainingRun": b.run(),
    "ModelVersion": b.model_version(approved=True),
    "ModelServer": b.body("ModelServer", "digits", {"follow": {"model": "digits", "policy": "Newest"}}),
}


def errors(body):
    validator = jsonschema.Draft202012Validator(json_schema_for(KINDS[body["kind"]]))
    return [error.message for error in validator.iter_errors(body)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_valid_schema(kind):
    jsonschema.Draft202012Validator.check_schema(json_schema_for(KINDS[kind]))


@pytest.mark.parametrize("body", OBJECTS.values(), ids=OBJECTS)
def test_a_right_object_passes(body):
    assert errors(body) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.update(seeed=1), "'seeed' was unexpected"),
        (lambda s: s["params"].update(lr=0.1), "0.1 is not of type 'integer', 'string'"),
        (lambda s: s["params"].update({"a-b": 1}), "'a-b' does not match any of the regexes"),
        (lambda s: s["params"].update({"a" * 64: 1}), "is too long"),
        (lambda s: s.pop("model"), "'model' is a required property"),
        (lambda s: s.update(seed=None), "None is not of type 'integer'"),
    ],
    ids=["unknown field", "float", "bad name", "long name", "missing field", "null"],
)
def test_a_wrong_run_does_not_pass(change, words):
    body = copy.deepcopy(b.run())
    change(body["spec"])
    assert any(words in message for message in errors(body)), errors(body)


def test_another_kind_does_not_pass():
    validator = jsonschema.Draft202012Validator(json_schema_for(KINDS["Dataset"]))
    assert not validator.is_valid(b.run())
