import pytest

from mlplane.api import KINDS
from mlplane.schema.crds import crd_for
from mlplane.schema.lint import lint, walk

CRDS = {name: crd_for(kind) for name, kind in KINDS.items()}


def schema(name):
    return CRDS[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def nodes(name):
    return dict(walk(schema(name)))


@pytest.mark.parametrize("name", CRDS)
def test_a_crd_keeps_every_rule(name):
    assert lint(CRDS[name]) == []


@pytest.mark.parametrize("name", CRDS)
def test_every_leaf_has_a_maximum(name):
    unbounded = [
        path
        for path, node in nodes(name).items()
        if not node.keys() & {"maxLength", "maxItems", "maxProperties", "enum", "properties"}
        and node.get("type") not in ("integer", "boolean")
    ]
    assert unbounded == []


@pytest.mark.parametrize("name", CRDS)
@pytest.mark.parametrize("key", ["$ref", "title", "const", "default", "nullable", "patternProperties"])
def test_nothing_is_left_of_what_kubernetes_does_not_know(name, key):
    assert [path for path, node in nodes(name).items() if key in node] == []


@pytest.mark.parametrize("name", CRDS)
def test_additional_properties_are_only_those_of_maps(name):
    closed = [path for path, node in nodes(name).items() if node.get("additionalProperties") is False]
    assert closed == []


def test_conditions_come_first_in_a_status():
    assert [next(iter(nodes_of_status(name))) for name in CRDS] == ["conditions"] * len(CRDS)


def nodes_of_status(name):
    return schema(name)["properties"]["status"]["properties"]


def test_a_parameter_is_an_integer_or_a_bounded_string():
    params = nodes("TrainingRun")[".spec.params"]
    assert params["maxProperties"] == 64
    value = params["additionalProperties"]
    assert value["x-kubernetes-int-or-string"] is True
    assert value["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert value["maxLength"] == 1024
    assert "type" not in value


def test_names_of_parameters_are_judged_by_a_rule_because_a_map_cannot():
    [rule] = nodes("TrainingRun")[".spec.params"]["x-kubernetes-validations"]
    assert "key.matches('^[A-Za-z_][A-Za-z0-9_]*$')" in rule["rule"]
    assert "key.size() <= 63" in rule["rule"]


def test_lists_are_maps_by_their_key():
    slices = nodes("TrainingRun")[".spec.evaluation.slices"]
    assert (slices["x-kubernetes-list-type"], slices["x-kubernetes-list-map-keys"]) == ("map", ["name"])


def test_an_optional_field_is_not_required_and_has_no_null():
    column = nodes("Dataset")[".spec.columns[]"]
    assert column["required"] == ["name", "type"]
    assert column["properties"]["width"]["type"] == "integer"


def test_the_rules_of_a_kind_stand_at_the_root():
    messages = [rule["message"] for rule in schema("Dataset")["x-kubernetes-validations"]]
    assert messages == [message for _, message in KINDS["Dataset"].RULES]


def test_metadata_says_only_how_the_object_may_be_called():
    assert schema("Dataset")["properties"]["metadata"]["properties"].keys() == {"name"}


def test_the_names_are_what_kubectl_needs():
    names = CRDS["TrainingRun"]["spec"]["names"]
    assert names == {
        "kind": "TrainingRun",
        "listKind": "TrainingRunList",
        "plural": "trainingruns",
        "singular": "trainingrun",
        "shortNames": ["run"],
        "categories": ["mlplane"],
    }
    assert CRDS["TrainingRun"]["metadata"]["name"] == "trainingruns.mlplane.dev"


def test_wide_columns_have_a_priority_and_others_none():
    columns = CRDS["TrainingRun"]["spec"]["versions"][0]["additionalPrinterColumns"]
    assert {c["name"]: c.get("priority") for c in columns if c["name"] in ("Ready", "Run Key")} == {
        "Ready": None,
        "Run Key": 1,
    }
    assert columns[-1] == {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


@pytest.mark.parametrize("name", CRDS)
def test_every_column_reads_a_field_that_exists(name):
    for column in CRDS[name]["spec"]["versions"][0]["additionalPrinterColumns"]:
        path = column["jsonPath"].partition("[")[0]
        assert path == ".metadata.creationTimestamp" or path in nodes(name)
