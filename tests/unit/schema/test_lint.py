import copy

import pytest

from mlplane.api import KINDS
from mlplane.schema.crds import crd_for
from mlplane.schema.lint import lint

GOOD = crd_for(KINDS["TrainingRun"])


def version(crd):
    return crd["spec"]["versions"][0]


def root(crd):
    return version(crd)["schema"]["openAPIV3Schema"]


def spec(crd):
    return root(crd)["properties"]["spec"]


def status(crd):
    return root(crd)["properties"]["status"]["properties"]


def field(crd, **schema):
    spec(crd)["properties"]["planted"] = {"description": "x"} | schema


def conditions_last(crd):
    conditions = status(crd).pop("conditions")
    status(crd)["conditions"] = conditions


FAULTS = {
    "no status subresource": (lambda c: version(c).update(subresources={}), "must be a subresource"),
    "no Ready column": (lambda c: version(c)["additionalPrinterColumns"].pop(0), "column Ready is missing"),
    "no Age column": (lambda c: version(c)["additionalPrinterColumns"].pop(), "column Age is missing"),
    "no description of the kind": (lambda c: root(c).pop("description"), ".: has no description"),
    "conditions not first": (conditions_last, "must be the first field"),
    "conditions not a map by type": (
        lambda c: status(c)["conditions"].update({"x-kubernetes-list-map-keys": ["reason"]}),
        "must be a list-map by type",
    ),
    "no observedGeneration": (lambda c: status(c).pop("observedGeneration"), ".status.observedGeneration"),
    "a phase": (
        lambda c: status(c).update(phase={"type": "string", "maxLength": 9, "description": "x"}),
        ".status.phase: must not exist",
    ),
    "a rule that costs too much": (
        lambda c: field(
            c,
            type="array",
            maxItems=600,
            items={"type": "string", "maxLength": 100},
            **{
                "x-kubernetes-list-type": "atomic",
                "x-kubernetes-validations": [{"rule": "self.all(a, self.all(b, a == b))", "message": "m"}],
            },
        ),
        "[planted].x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds",
    ),
    "a boolean": (lambda c: field(c, type="boolean"), ".spec: its field planted is a boolean"),
    "a float": (lambda c: field(c, type="number"), ".spec.planted: is a float"),
    "no type": (field, ".spec.planted: has no type"),
    "a string without end": (lambda c: field(c, type="string"), ".spec.planted: has no maxLength"),
    "a list without end": (
        lambda c: field(
            c,
            type="array",
            items={"type": "integer"},
            **{"x-kubernetes-list-type": "atomic"},
        ),
        ".spec.planted: has no maxItems",
    ),
    "a map without end": (
        lambda c: field(c, type="object", additionalProperties={"type": "integer"}),
        ".spec.planted: has no maxProperties",
    ),
    "an int-or-string without end": (
        lambda c: field(c, **{"x-kubernetes-int-or-string": True}),
        ".spec.planted: has no maxLength",
    ),
    "a list without a list type": (
        lambda c: field(c, type="array", maxItems=1, items={"type": "integer"}),
        "has no x-kubernetes-list-type",
    ),
    "unknown fields kept": (
        lambda c: field(c, type="object", properties={}, **{"x-kubernetes-preserve-unknown-fields": True}),
        "keeps unknown fields",
    ),
    "an object without fields": (lambda c: field(c, type="object"), "an object without fields"),
    "a field without description": (
        lambda c: spec(c)["properties"]["seed"].pop("description"),
        ".spec: its field seed has no description",
    ),
    "an entry without description": (
        lambda c: spec(c)["properties"]["evaluation"]["properties"]["gates"]["items"].pop("description"),
        ".spec.evaluation.gates[]: has no description",
    ),
    "a default": (
        lambda c: spec(c)["properties"]["seed"].update(default=0),
        ".spec: its field seed is defaulted;",
    ),
    "a default of a required field": (
        lambda c: spec(c)["properties"]["model"].update(default="x"),
        ".spec: its field model is defaulted and required;",
    ),
    "a rule without a message": (
        lambda c: spec(c)["x-kubernetes-validations"].append({"rule": "true"}),
        ".spec: its rule true has no message",
    ),
}


@pytest.mark.parametrize(("plant", "words"), FAULTS.values(), ids=FAULTS)
def test_a_planted_fault_is_the_one_finding(plant, words):
    crd = copy.deepcopy(GOOD)
    plant(crd)
    [finding] = lint(crd)
    assert words in finding
