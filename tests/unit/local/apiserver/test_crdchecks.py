"""What the server refuses in a CustomResourceDefinition. Messages are those of kube-apiserver 1.36."""

import copy
from typing import Any

import pytest

from mlplane.api.dataset import Dataset
from mlplane.api.evaluation import Evaluation
from mlplane.api.modelserver import ModelServer
from mlplane.api.modelversion import ModelVersion
from mlplane.api.trainingrun import TrainingRun
from mlplane.local.apiserver import crds
from mlplane.local.apiserver.crdchecks import check_crd, check_name
from mlplane.schema.crds import crd_for
from mlplane.schema.foreign import foreign_crds
from mlplane.structural.schemas import Schema

RULES = "x-kubernetes-validations"
SCHEMA = "spec.validation.openAPIV3Schema"
"""Where the real server finds a schema that all versions have."""
KINDS = [Dataset, TrainingRun, ModelVersion, Evaluation, ModelServer]


def crd(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "things", "kind": "Thing"},
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def problems(definition: dict[str, Any]) -> list[Any]:
    """What is wrong with a definition that a client has sent."""
    crds.fill_defaults(definition)
    crds.store(definition, None)
    return [*check_name(definition), *check_crd(definition)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_definitions_of_mlplane_are_accepted_and_compile(kind: Any) -> None:
    definition = crd_for(kind)
    assert problems(definition) == []
    for version in definition["spec"]["versions"]:
        assert Schema.compile(version["schema"]["openAPIV3Schema"]).node.properties["spec"].type == "object"


def test_the_definitions_of_the_systems_that_mlplane_drives_are_accepted() -> None:
    assert [problems(definition) for definition in foreign_crds()] == [[], [], []]


STRING = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "field", "message"),
    [
        ({}, ".type", "Required value: must not be empty for specified object fields"),
        (
            {"type": "text"},
            ".type",
            'Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", '
            '"string"',
        ),
        ({"type": "array"}, ".items", "Required value: must be specified"),
        ({"type": "object", "$ref": "#/x"}, ".$ref", "Forbidden: $ref is not supported"),
        (
            {"type": "object", "properties": {"x": STRING}, "additionalProperties": STRING},
            ".additionalProperties",
            "Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            {"type": "array", "items": STRING, "uniqueItems": True},
            ".uniqueItems",
            "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        ),
        (
            {"type": "string", "x-kubernetes-list-type": "set"},
            ".type",
            'Invalid value: "string": must be array if x-kubernetes-list-type is specified',
        ),
        (
            {"type": "integer", "default": "x"},
            ".default",
            'Invalid value: "string":  in body must be of type integer: "string"',
        ),
        (
            {"type": "object", "default": {"z": 1}, "properties": {"x": STRING}},
            ".default",
            'Invalid value: {"z":1}: must not have unknown fields',
        ),
    ],
)
def test_a_schema_that_is_not_structural_is_refused(schema: Any, field: str, message: str) -> None:
    (cause,) = problems(crd(a=schema))
    assert (cause.field, cause.message) == (f"{SCHEMA}.properties[a]{field}", message)


@pytest.mark.parametrize(
    ("keys", "item", "field", "message"),
    [
        (
            [],
            {},
            ".x-kubernetes-list-map-keys",
            "Required value: must not be empty if x-kubernetes-list-type is map",
        ),
        (
            ["z"],
            {},
            ".x-kubernetes-list-map-keys",
            'Invalid value: ["z"]: entries must all be names of item properties',
        ),
        (
            ["n"],
            {},
            ".items.properties[n].default",
            "Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be "
            "a required property",
        ),
    ],
)
def test_a_keyed_list_needs_keys_that_every_item_has(keys: Any, item: Any, field: str, message: str) -> None:
    items = {"type": "object", "properties": {"n": STRING}} | item
    listed = {
        "type": "array",
        "items": items,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": keys,
    }
    (cause,) = problems(crd(a=listed))
    assert (cause.field, cause.message) == (f"{SCHEMA}.properties[a]{field}", message)


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        ({"rule": " "}, "rule", "Required value: rule is not specified"),
        ({"rule": "self.b >"}, "rule", "compilation failed: ERROR: <input>:1:9: Syntax error"),
        ({"rule": "self.c == 'a'"}, "rule", "compilation failed: ERROR: <input>:1:5: undefined field 'c'"),
        ({"rule": "self.b"}, "rule", "cel expression must evaluate to a bool"),
        ({"rule": "'a' + 'b'"}, "rule", "cel expression must evaluate to a bool"),
        (
            {"rule": "true", "messageExpression": "1"},
            "messageExpression",
            "messageExpression must evaluate to a string",
        ),
        ({"rule": "true", "reason": "Whim"}, "reason", 'Unsupported value: "Whim"'),
        ({"rule": "true", "fieldPath": ".c"}, "fieldPath", 'Invalid value: ".c": must be a valid path'),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: Any, field: str, message: str) -> None:
    (cause,) = problems(crd(a={"type": "object", "properties": {"b": STRING}, RULES: [rule]}))
    assert cause.field == f"{SCHEMA}.properties[a].{RULES}[0].{field}"
    assert message in cause.message


@pytest.mark.parametrize(
    "rule",
    [
        "self.b == 'self.zzz'",
        "self.m.anything == 'x'",
        "self.l.all(x, x.startsWith('a'))",
        "has(self.k__dash__b) && self.?b.hasValue() && size(self.b) > 0",
        "self.free == oldSelf.free",
    ],
)
def test_fields_that_exist_are_not_called_undefined(rule: str) -> None:
    level = {
        "type": "object",
        "properties": {
            "b": STRING,
            "k-b": STRING,
            "l": {"type": "array", "items": STRING},
            "m": {"type": "object", "additionalProperties": STRING},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
        RULES: [{"rule": rule}],
    }
    assert problems(crd(a=level)) == []


def test_a_transition_rule_needs_items_that_can_be_matched() -> None:
    item = STRING | {RULES: [{"rule": "self == oldSelf"}]}
    (cause,) = problems(crd(a={"type": "array", "maxItems": 9, "items": item | {"maxLength": 9}}))
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema" in cause.message


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("metadata", "name"), "other", "metadata.name"),
        (("spec", "scope"), "Galaxy", "spec.scope"),
        (("spec", "names", "kind"), "Bad_Kind", "spec.names.singular, spec.names.kind, spec.names.listKind"),
        (("spec", "names", "shortNames"), ["A_b"], "spec.names.shortNames[0]"),
        (("spec", "group"), "x.k8s.io", "metadata.name, metadata.annotations[api-approved.kubernetes.io]"),
        (("spec", "names", "kind"), "", "spec.names.singular, spec.names.kind, spec.names.listKind"),
        (("spec", "preserveUnknownFields"), True, "spec.preserveUnknownFields"),
        (("spec", "versions"), [], "spec.versions, status.storedVersions"),
        (("spec", "versions", 0, "storage"), False, "spec.versions, status.storedVersions"),
        (("spec", "versions", 0, "name"), "V1", "spec.versions[0].name, spec.version"),
        (("spec", "versions", 0, "schema"), None, "spec.versions[0].schema.openAPIV3Schema"),
        (
            ("spec", "versions", 0, "subresources"),
            {"scale": {"specReplicasPath": ".x", "statusReplicasPath": "x"}},
            "spec.subresources.scale.specReplicasPath, spec.subresources.scale.statusReplicasPath",
        ),
        (
            ("spec", "versions", 0, "selectableFields"),
            [{"jsonPath": ".a"}, {"jsonPath": ".b"}, {"jsonPath": ".a"}],
            "spec.selectableFields[1].jsonPath, spec.selectableFields[2].jsonPath",
        ),
        (
            ("spec", "versions", 0, "additionalPrinterColumns"),
            [{"name": "A", "type": "string", "jsonPath": "x"}],
            "spec.additionalPrinterColumns[0].JSONPath",
        ),
        (
            ("spec", "versions", 0, "additionalPrinterColumns"),
            [{"name": "A", "type": "text", "jsonPath": ".x"}],
            "spec.additionalPrinterColumns[0].type",
        ),
    ],
)
def test_names_and_versions_are_checked(path: tuple[Any, ...], value: Any, field: str) -> None:
    definition = copy.deepcopy(crd(a=STRING))
    at: Any = definition
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    assert ", ".join(cause.field for cause in problems(definition)) == field


def test_what_versions_do_not_share_is_found_where_it_is() -> None:
    definition = crd(a=STRING)
    (first,) = definition["spec"]["versions"]
    second = first | {"name": "v2", "storage": False, "schema": {"openAPIV3Schema": {"type": "string"}}}
    definition["spec"]["versions"].append(second)
    (cause,) = problems(definition)
    where = "spec.versions[1].schema.openAPIV3Schema.type"
    assert (cause.field, cause.message) == (where, 'Invalid value: "string": must be object at the root')


def test_a_version_that_objects_are_kept_in_has_to_stay() -> None:
    definition = crd(a=STRING)
    definition["status"] = {"storedVersions": ["v0", "v1"]}
    crds.fill_defaults(definition)
    (cause,) = check_crd(definition)
    assert cause.field == "status.storedVersions[0]"
    assert cause.message.startswith('Invalid value: "v0": missing from spec.versions; v0 was previously')


@pytest.mark.parametrize(
    ("schema", "field", "message"),
    [
        ({"type": "string", "pattern": "["}, ".pattern", "error parsing regexp: missing closing ]: `[`"),
        ({"type": "string", "pattern": "(?=a)"}, ".pattern", "invalid or unsupported Perl syntax: `(?=`"),
        ({"type": "string", "anyOf": [{"type": "string"}]}, ".anyOf[0].type", "must be empty to be"),
        ({"type": "object", "x-kubernetes-map-type": "odd"}, ".x-kubernetes-map-type", '"odd": supported'),
        (
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}},
            ".items.x-kubernetes-map-type",
            "Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
        (
            {"type": "object", "x-kubernetes-embedded-resource": True},
            ".properties",
            "must not be empty if x-kubernetes-embedded-resource is true without",
        ),
    ],
)
def test_what_go_and_kubernetes_refuse_in_a_schema_is_refused(schema: Any, field: str, message: str) -> None:
    (cause,) = problems(crd(a=schema))
    assert cause.field == f"{SCHEMA}.properties[a]{field}"
    assert message in cause.message


def test_junctors_at_the_root_may_speak_only_of_fields_that_exist() -> None:
    definition = crd(a=STRING)
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["anyOf"] = [{"required": ["a"], "properties": {"z": {"minLength": 1}}}]
    (cause,) = problems(definition)
    want = f"Required value: because it is defined in {SCHEMA}.anyOf[0].properties[z]"
    assert (cause.field, cause.message) == (f"{SCHEMA}.properties[z]", want)
