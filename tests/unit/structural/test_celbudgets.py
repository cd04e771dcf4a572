"""What rules cost, and which are refused. Expected values are those of kube-apiserver 1.36."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlplane.api.dataset import Dataset
from mlplane.api.evaluation import Evaluation
from mlplane.api.modelserver import ModelServer
from mlplane.api.modelversion import ModelVersion
from mlplane.api.trainingrun import TrainingRun
from mlplane.schema.crds import crd_for
from mlplane.schema.foreign import foreign_crds
from mlplane.structural.celbudgets import RULES, problems

RECORDED = yaml.safe_load(Path(__file__).with_name("rules.yaml").read_text())
STRING = {"type": "string"}


def judged(rule: str) -> str:
    """accepted, refused, or by which factor the rule is too expensive."""
    spec = RECORDED["schema"] | {RULES: [{"rule": rule}]}
    found = problems({"type": "object", "properties": {"spec": spec}}, "s")
    for cause in found:
        if cost := re.match(
            r"Forbidden: estimated rule cost exceeds budget by factor of (.*) \(", cause.message
        ):
            return cost[1]
    return "refused" if found else "accepted"


@pytest.mark.parametrize("want", ["accepted", "refused"])
def test_rules_are_accepted_and_refused_as_by_the_real_server(want: str) -> None:
    assert {rule: judged(rule) for rule in RECORDED[want]} == dict.fromkeys(RECORDED[want], want)


def test_rules_are_too_expensive_by_the_factors_of_the_real_server() -> None:
    want = RECORDED["too expensive"]
    assert {rule: judged(rule) for rule in want} == want


def level(rule: str, **schema: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema | {RULES: [{"rule": rule}]}}}


def test_the_rules_of_a_whole_schema_are_added_up() -> None:
    text = STRING | {"maxLength": 1000, RULES: [{"rule": "self.contains(self) || self.matches('a*')"}]}
    few = {"type": "object", "properties": {"a": text}}
    many = {"type": "object", "properties": {f"a{place}": text for place in range(700)}}
    assert problems(few, "s") == []
    found = problems(many, "s")
    assert found[-1].field == "s"
    assert found[-1].message.startswith(
        "Forbidden: x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema exceeds "
        "budget by factor of 1.12"
    )


def test_limits_of_lists_and_maps_count_for_what_is_inside_of_them() -> None:
    item = STRING | {"maxLength": 99, RULES: [{"rule": "self.matches('^[a-z]+$')"}]}
    unbounded = {"type": "object", "properties": {"l": {"type": "array", "items": item}}}
    bounded = {"type": "object", "properties": {"l": {"type": "array", "maxItems": 99, "items": item}}}
    (cause,) = problems(unbounded, "s")
    assert cause.field == f"s.properties[l].items.{RULES}[0].rule"
    assert problems(bounded, "s") == []


def test_old_values_are_compared_only_where_they_can_be_found() -> None:
    item = STRING | {"maxLength": 9, RULES: [{"rule": "self == oldSelf"}]}
    (cause,) = problems({"type": "array", "maxItems": 9, "items": item}, "s")
    assert cause.message == (
        'Invalid value: "self == oldSelf": oldSelf cannot be used on the uncorrelatable portion of the '
        "schema within s"
    )
    assert problems({"type": "object", "properties": {"a": item}}, "s") == []


def test_an_optional_old_value_has_to_be_used() -> None:
    entry = {"rule": "true", "optionalOldSelf": True}
    (cause,) = problems({"type": "object", "properties": {"a": STRING | {RULES: [entry]}}}, "s")
    assert (cause.field, cause.message) == (
        f"s.properties[a].{RULES}[0].optionalOldSelf",
        "Invalid value: true: may not be set if oldSelf is not used in rule",
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("self.zz == 1", "ERROR: <input>:1:5: undefined field 'zz'\n | self.zz == 1\n | ....^"),
        ("self.b.startsWith(1)", "found no matching overload for 'startsWith' applied to 'string.(int)'"),
        ("has(self)", "ERROR: <input>:1:5: invalid argument to has() macro"),
        ("self.b.x.y", "ERROR: <input>:1:7: type 'string' does not support field selection"),
        ("self.b.matches('[')", "ERROR: <input>:1:16: invalid matches argument"),
        ("self.b", "cel expression must evaluate to a bool"),
    ],
)
def test_a_rule_that_does_not_compile_is_shown_with_the_place(rule: str, words: str) -> None:
    (cause,) = problems(level(rule, type="object", properties={"b": STRING}), "s")
    assert cause.message.startswith(f'Invalid value: {{"Rule":"{rule}","Message":""')
    assert words in cause.message


@pytest.mark.parametrize("kind", [Dataset, TrainingRun, ModelVersion, Evaluation, ModelServer])
def test_the_rules_of_mlplane_are_cheap_enough(kind: Any) -> None:
    for version in crd_for(kind)["spec"]["versions"]:
        assert problems(version["schema"]["openAPIV3Schema"], "s") == []


def test_the_rules_of_the_systems_that_mlplane_drives_are_cheap_enough() -> None:
    schemas = [v["schema"]["openAPIV3Schema"] for crd in foreign_crds() for v in crd["spec"]["versions"]]
    assert [problems(schema, "s") for schema in schemas] == [[]] * len(schemas)
