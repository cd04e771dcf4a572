"""Structural schemas: pruning, defaulting, validation. Messages are those of kube-apiserver 1.36."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.structural.schemas import Schema

STRING = {"type": "string"}
INTEGER = {"type": "integer"}


def schema_of(**properties: Any) -> Schema:
    spec = {"type": "object", "properties": properties}
    return Schema.compile({"type": "object", "properties": {"spec": spec}})


def body(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}, "spec": spec}


OBJECT_LIST = {"type": "array", "items": {"type": "object", "properties": {"y": INTEGER}}}
FREE = {
    "type": "object",
    "x-kubernetes-preserve-unknown-fields": True,
    "properties": {"known": {"type": "object"}},
}
EMBEDDED = {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"data": STRING}}


@pytest.mark.parametrize(
    ("spec", "want", "unknown"),
    [
        ({"a": "x", "b": 1}, {"a": "x"}, ["spec.b"]),
        ({"list": [{"y": 1, "z": 2}, {}]}, {"list": [{"y": 1}, {}]}, ["spec.list[0].z"]),
        ({"map": {"k": {"y": 1, "z": 2}}}, {"map": {"k": {"y": 1}}}, ["spec.map.k.z"]),
        ({"free": {"any": {"thing": 1}}}, {"free": {"any": {"thing": 1}}}, []),
        ({"free": {"known": {"z": 1}}}, {"free": {"known": {}}}, ["spec.free.known.z"]),
        (
            {"embedded": {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}, "data": "d", "z": 1}},
            {"embedded": {"apiVersion": "v1", "kind": "K", "metadata": {"x": 1}, "data": "d"}},
            ["spec.embedded.z"],
        ),
        ({"metadata": 1, "kind": 2}, {}, ["spec.kind", "spec.metadata"]),
    ],
)
def test_unknown_fields_are_pruned_and_named(spec: Any, want: Any, unknown: list[str]) -> None:
    values = {"type": "object", "additionalProperties": OBJECT_LIST["items"]}
    schema = schema_of(a=STRING, list=OBJECT_LIST, map=values, free=FREE, embedded=EMBEDDED)
    given_body = body(**spec)
    before = copy.deepcopy(given_body)
    pruned, found = schema.prune(given_body)
    assert (pruned["spec"], found) == (want, unknown)
    assert pruned["metadata"] == {"name": "t"}
    assert given_body == before


def test_an_object_without_unknown_fields_is_returned_as_it_is() -> None:
    thing = body(a="x")
    schema = schema_of(a=STRING)
    assert schema.prune(thing)[0] is thing
    assert schema.default(thing) is thing


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        ({}, {"n": 7, "o": {"x": "d"}}),
        ({"n": None}, {"n": 7, "o": {"x": "d"}}),
        ({"n": 1, "o": {"x": "e"}}, {"n": 1, "o": {"x": "e"}}),
        ({"l": [{}, {"z": "1"}]}, {"l": [{"z": "zz"}, {"z": "1"}], "n": 7, "o": {"x": "d"}}),
        ({"n": None, "nullable": None}, {"nullable": None, "n": 7, "o": {"x": "d"}}),
        ({"plain": None}, {"plain": None, "n": 7, "o": {"x": "d"}}),
        ({"m": {"k": {}}}, {"m": {"k": {"z": "zz"}}, "n": 7, "o": {"x": "d"}}),
    ],
)
def test_defaults_fill_what_is_absent_or_null(spec: Any, want: Any) -> None:
    item = {"type": "object", "properties": {"z": {"type": "string", "default": "zz"}}}
    schema = schema_of(
        n={"type": "integer", "default": 7},
        o={"type": "object", "default": {}, "properties": {"x": {"type": "string", "default": "d"}}},
        l={"type": "array", "items": item},
        m={"type": "object", "additionalProperties": item},
        plain=STRING,
        nullable={"type": "string", "nullable": True},
    )
    assert schema.default(body(**spec))["spec"] == want


INVALID = [
    (
        INTEGER,
        "x",
        (
            "FieldValueTypeInvalid",
            'Invalid value: "string": spec.f in body must be of type integer: "string"',
        ),
    ),
    (
        INTEGER,
        None,
        ("FieldValueTypeInvalid", 'Invalid value: "null": spec.f in body must be of type integer: "null"'),
    ),
    (
        STRING,
        True,
        (
            "FieldValueTypeInvalid",
            'Invalid value: "boolean": spec.f in body must be of type string: "boolean"',
        ),
    ),
    (
        {"x-kubernetes-int-or-string": True},
        [],
        (
            "FieldValueTypeInvalid",
            'Invalid value: "array": spec.f in body must be of type integer,string: "array"',
        ),
    ),
    (
        {"type": "string", "enum": ["a", "b"]},
        "c",
        ("FieldValueNotSupported", 'Unsupported value: "c": supported values: "a", "b"'),
    ),
    (
        {"type": "integer", "enum": [1, 2]},
        3,
        ("FieldValueNotSupported", 'Unsupported value: 3: supported values: "1", "2"'),
    ),
    (
        {"type": "string", "pattern": "^[a-z]+$"},
        "A1",
        ("FieldValueInvalid", "Invalid value: \"A1\": spec.f in body should match '^[a-z]+$'"),
    ),
    (
        {"type": "string", "pattern": "^[a-z]+$"},
        "a\n",
        ("FieldValueInvalid", "Invalid value: \"a\\n\": spec.f in body should match '^[a-z]+$'"),
    ),
    (
        {"type": "string", "maxLength": 4},
        "abcde",
        ("FieldValueTooLong", "Too long: may not be more than 4 bytes"),
    ),
    (
        {"type": "string", "minLength": 2},
        "a",
        ("FieldValueInvalid", 'Invalid value: "a": spec.f in body should be at least 2 chars long'),
    ),
    (
        {"type": "number", "minimum": 0.5},
        0.1,
        ("FieldValueInvalid", "Invalid value: 0.1: spec.f in body should be greater than or equal to 0.5"),
    ),
    (
        {"type": "number", "maximum": 10, "exclusiveMaximum": True},
        10,
        ("FieldValueInvalid", "Invalid value: 10: spec.f in body should be less than 10"),
    ),
    (
        {"type": "integer", "multipleOf": 3},
        4,
        ("FieldValueInvalid", "Invalid value: 4: spec.f in body should be a multiple of 3"),
    ),
    (
        {"type": "array", "maxItems": 1, "items": STRING},
        ["a", "b"],
        ("FieldValueTooMany", "Too many: 2: must have at most 1 item"),
    ),
    (
        {"type": "array", "minItems": 1, "items": STRING},
        [],
        ("FieldValueInvalid", "Invalid value: 0: spec.f in body should have at least 1 items"),
    ),
    (
        {"type": "object", "maxProperties": 1, "additionalProperties": STRING},
        {"a": "", "b": ""},
        ("FieldValueTooMany", "Too many: 2: must have at most 1 item"),
    ),
    (
        {"type": "string", "format": "date-time"},
        "yesterday",
        (
            "FieldValueTypeInvalid",
            'Invalid value: "yesterday": spec.f in body must be of type date-time: "yesterday"',
        ),
    ),
]


@pytest.mark.parametrize(("schema", "value", "want"), INVALID)
def test_an_invalid_value_is_refused_in_the_words_of_the_api_server(
    schema: Any, value: Any, want: Any
) -> None:
    (cause,) = schema_of(f=schema).validate(body(f=value))
    assert (cause.reason, cause.message) == want
    assert cause.field == "spec.f"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INTEGER, 2.0),
        ({"type": "number", "minimum": 0.5}, 0),  # as the real server: bounds of whole numbers are whole
        ({"type": "number"}, 1),
        ({"type": "string", "nullable": True}, None),
        ({"x-kubernetes-int-or-string": True}, "1"),
        ({"type": "string", "maxLength": 3}, "äöü"),
        ({"type": "string", "format": "date-time"}, "2026-01-01T00:00:00.123456789+01:00"),
        ({"type": "string", "format": "duration"}, "1h30m"),
        ({"type": "string", "format": "duration"}, "1 day"),
        ({"type": "string", "format": "byte"}, "YQ=="),
        ({"type": "string", "format": "cidr"}, "10.0.0.0/8"),
        ({"type": "string", "format": "uuid"}, "123e4567-e89b-12d3-a456-426614174000"),
        ({"type": "string", "format": "made-up"}, "anything"),
        ({"type": "string", "pattern": "^[[:alpha:]]+$"}, "abc"),
    ],
)
def test_a_valid_value_is_accepted(schema: Any, value: Any) -> None:
    assert schema_of(f=schema).validate(body(f=value)) == []


def test_a_number_where_a_format_is_expected_is_named_as_the_api_server_names_it() -> None:
    (cause,) = schema_of(f={"type": "string", "format": "uuid"}).validate(body(f=3))
    assert cause.message == 'Invalid value: "int64": spec.f in body must be of type uuid: "int64"'


def test_a_whole_number_must_fit_its_format() -> None:
    (cause,) = schema_of(f={"type": "integer", "format": "int32"}).validate(body(f=2**31))
    assert (cause.field, cause.message) == (
        "<nil>",
        'Invalid value: "": Checked value must be of type integer with format int32 in spec.f',
    )


def test_required_fields_and_items_are_named_by_their_paths() -> None:
    item = {"type": "object", "required": ["name"], "properties": {"name": STRING, "n": INTEGER}}
    schema = schema_of(
        list={"type": "array", "items": item}, map={"type": "object", "additionalProperties": item}
    )
    found = schema.validate(body(list=[{"name": "a"}, {}], map={"k": {"n": "x"}}))
    assert [(cause.field, cause.message) for cause in found] == [
        ("spec.list[1].name", "Required value"),
        ("spec.map.k.n", 'Invalid value: "string": spec.map.k.n in body must be of type integer: "string"'),
        ("spec.map.k.name", "Required value"),
    ]


def test_alternatives_of_which_none_holds_are_explained() -> None:
    one = {
        "type": "object",
        "properties": {"a": STRING, "b": STRING},
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    }
    schema = schema_of(one=one)
    assert schema.validate(body(one={"a": ""})) == []
    assert [(c.field, c.message) for c in schema.validate(body(one={"a": "", "b": ""}))] == [
        (
            "<nil>",
            'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). '
            "Found 2 valid alternatives",
        )
    ]
    assert [(c.field, c.message) for c in schema.validate(body(one={}))] == [
        (
            "<nil>",
            'Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
        ),
        ("spec.one.a", "Required value"),
    ]


def test_duplicates_in_sets_and_maps_are_refused() -> None:
    item = {"type": "object", "properties": {"name": STRING, "port": INTEGER}}
    keyed = {
        "type": "array",
        "items": item,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "port"],
    }
    schema = schema_of(set={"type": "array", "items": STRING, "x-kubernetes-list-type": "set"}, map=keyed)
    found = schema.validate(
        body(
            set=["a", "b", "a"],
            map=[{"name": "x", "port": 1}, {"name": "x", "port": 2}, {"name": "x", "port": 1}],
        )
    )
    assert [(cause.field, cause.message) for cause in found] == [
        ("spec.set[2]", 'Duplicate value: "a"'),
        ("spec.map[2]", 'Duplicate value: {"name":"x","port":1}'),
    ]


def test_an_embedded_resource_needs_a_type() -> None:
    found = schema_of(embedded=EMBEDDED).validate(body(embedded={"kind": ""}))
    assert [(cause.field, cause.message) for cause in found] == [
        ("spec.embedded.apiVersion", "Required value"),
        ("spec.embedded.kind", 'Invalid value: "": must not be empty'),
    ]


def test_parts_that_an_update_leaves_alone_are_not_judged_again() -> None:
    schema = schema_of(a={"type": "string", "maxLength": 1}, b=STRING)
    assert schema.validate(body(a="too long", b="2"), body(a="too long", b="1")) == []
    assert [c.field for c in schema.validate(body(a="longer still"), body(a="too long"))] == ["spec.a"]


def test_rules_wait_until_the_object_has_its_shape() -> None:
    rule = {"rule": "self.n > 0", "message": "n must be positive"}
    schema = schema_of(o={"type": "object", "properties": {"n": INTEGER}, "x-kubernetes-validations": [rule]})
    assert [c.message for c in schema.validate(body(o={"n": 0}))] == ["Invalid value: n must be positive"]
    shape, waiting = schema.validate(body(o={"n": "x"}))
    assert shape.field == "spec.o.n"
    assert waiting.message.startswith("Invalid value: null: some validation rules were not checked")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4))
def test_pruning_and_defaulting_twice_is_the_same_as_once(spec: dict[str, Any]) -> None:
    item = {"type": "object", "properties": {"a": {"type": "string", "default": "x"}, "b": INTEGER}}
    schema = schema_of(
        a=item,
        b={"type": "array", "items": item},
        c={"type": "object", "additionalProperties": item, "default": {"k": {}}},
    )
    thing = body(**spec)
    before = copy.deepcopy(thing)
    pruned, _ = schema.prune(thing)
    assert schema.prune(pruned) == (pruned, [])
    defaulted = schema.default(pruned)
    assert schema.default(defaulted) == defaulted
    assert thing == before


@pytest.mark.parametrize(
    "rule",
    [
        "self.t < timestamp('2021-01-01T00:00:00Z') && self.t.getFullYear() == 2020",
        "self.d == duration('90m')",
        "self.at == timestamp('2020-01-01T00:00:00Z')",
    ],
)
def test_rules_see_times_and_durations(rule: str) -> None:
    schema = Schema.compile(
        {
            "type": "object",
            "properties": {
                "t": STRING | {"format": "date-time"},
                "d": STRING | {"format": "duration"},
                "at": STRING | {"format": "date"},
            },
            "x-kubernetes-validations": [{"rule": rule}],
        }
    )
    assert schema.validate({"t": "2020-05-01T00:00:00Z", "d": "1h30m", "at": "2020-01-01"}) == []
    assert schema.validate({"t": "2022-05-01T00:00:00Z", "d": "1h", "at": "2020-01-02"}) != []
