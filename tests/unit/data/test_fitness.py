"""Checks that do not fit are refused before anything is read, with the field and what is allowed."""

import pytest

from mlplane.api.datacheck import Check
from mlplane.api.dataset import DataColumn
from mlplane.data.checks import plan_checks
from mlplane.data.profiles import ColumnProfile, Profile
from mlplane.errors import InvalidInput, Terminal, Transient

TYPES = ("Integer", "Number", "String", "Boolean", "Timestamp", "Binary")
COLUMNS = (
    *(DataColumn(name=type_.lower(), type=type_) for type_ in TYPES),
    DataColumn(name="times", type="Timestamp", width=2),
)
DIGEST = f"sha256:{'0' * 64}"
PSI = {"dataset": "old", "digest": DIGEST, "statistic": "PSI", "max": "0.1"}
EARLIER = Profile(
    rows=0,
    columns=tuple(
        ColumnProfile(name=column.name, type=column.type, looked_at=0, nulls=0, distinct=0)
        for column in COLUMNS
    ),
)


def plan(check: dict, columns=COLUMNS, profile=lambda _: EARLIER):
    return plan_checks(columns, [Check.model_validate({"name": "it", **check})], profile)


FITTING = {
    "nulls": ({"maxShare": "0"}, TYPES),
    "range": ({"min": "0"}, ("Integer", "Number")),
    "enum": ({"values": ["1"]}, ("Integer", "String")),
    "regex": ({"pattern": "a"}, ("String",)),
    "freshness": ({"maxAge": "1h"}, ("Timestamp",)),
    "distribution": (PSI, ("Integer", "Number", "String", "Boolean", "Timestamp")),
}


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("kind", FITTING)
def test_a_check_is_for_columns_of_some_types(kind, type_):
    body, allowed = FITTING[kind]
    check = {"column": type_.lower(), kind: body}
    if type_ in allowed:
        plan(check)
        return
    with pytest.raises(InvalidInput, match=rf"^spec\.checks\[0\]\.{kind}.*allowed: "):
        plan(check)


REFUSED = [
    ({"column": "x", "nulls": {"maxShare": "0"}}, r"spec\.checks\[0\]\.column: found 'x', .*integer, number"),
    ({"unique": {"columns": ["integer", "x"]}}, r"spec\.checks\[0\]\.unique\.columns\[1\]: found 'x'"),
    ({"column": "number", "range": {}}, r"spec\.checks\[0\]\.range: found neither min nor max"),
    ({"rows": {}}, r"spec\.checks\[0\]\.rows: found neither min nor max"),
    ({"rows": {"min": 2, "max": 1}}, r"spec\.checks\[0\]\.rows\.min: found 2, .* value 1"),
    (
        {"column": "number", "range": {"min": "0.3", "max": "0.2"}},
        r"spec\.checks\[0\]\.range\.min: found 0\.3",
    ),
    ({"column": "integer", "enum": {"values": ["1", "2.0"]}}, r"\.enum\.values\[1\]: found '2\.0'"),
    ({"column": "integer", "enum": {"values": ["01"]}}, r"\.enum\.values\[0\]: found '01'"),
    ({"column": "boolean", "enum": {"values": ["yes"]}}, r"\.values\[0\]: found 'yes' .* true and false"),
    ({"column": "times", "freshness": {"maxAge": "1h"}}, r"\.freshness: column times holds vectors"),
    ({"column": "string", "regex": {"pattern": "(a"}}, r"\.regex\.pattern: not a regular expression"),
    ({"column": "string", "regex": {"pattern": "a)|(b"}}, r"\.regex\.pattern: not a regular expression"),
    ({"column": "string", "regex": {"pattern": "(?=a)"}}, r"\.regex\.pattern: not a regular expression"),
    (
        {"column": "string", "distribution": {**PSI, "statistic": "KS"}},
        r"\.distribution\.statistic: KS needs an order, .*allowed for it: PSI",
    ),
]


@pytest.mark.parametrize(("check", "message"), REFUSED)
def test_a_check_that_contradicts_itself_is_refused(check, message):
    with pytest.raises(InvalidInput, match=message):
        plan(check)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            {"type": "String", "minimum": "0"},
            r"spec\.columns\[0\]\.minimum: .*allowed for Integer and Number",
        ),
        ({"type": "Timestamp", "maximum": "0"}, r"spec\.columns\[0\]\.maximum: "),
        ({"type": "Number", "minimum": "2", "maximum": "1"}, r"spec\.columns\[0\]\.minimum: found 2"),
    ],
)
def test_bounds_of_a_column_have_to_fit_its_type(column, message):
    with pytest.raises(InvalidInput, match=message):
        plan_checks([DataColumn.model_validate({"name": "x", **column})], [], lambda _: EARLIER)


SCHEMAS = [
    ("{a: [", "neither JSON nor YAML"),
    ("[1, 2]", "an object, not list"),
    ("2026-01-01", "neither JSON nor YAML"),
    ('{"type": "nonsense"}', "not a JSON Schema"),
    ('{"minimum": .nan}', "neither JSON nor YAML"),
    ('{"pattern": "(?=a)"}', "not a JSON Schema"),
    ('{"$ref": "https://example.com/schema.json"}', "not a JSON Schema .* that stands for itself"),
    ('{"$ref": "file:///etc/passwd"}', "that stands for itself"),
    ('{"$ref": "other.json"}', "that stands for itself"),
    ('{"$ref": "#/$defs/none"}', "not a JSON Schema"),
    ("a: &a [1]\nb: *a\n", "YAML alias"),
    ("!!python/object/apply:os.system [ls]", "neither JSON nor YAML"),
    ("[" * 5000, "neither JSON nor YAML"),
]


@pytest.mark.parametrize(("text", "message"), SCHEMAS)
def test_a_schema_that_is_none_or_looks_elsewhere_is_refused(text, message):
    with pytest.raises(InvalidInput, match=rf"^spec\.checks\[0\]\.record\.jsonSchema: .*{message}"):
        plan({"record": {"jsonSchema": text}})


def gone(_):
    raise Terminal("store://datasets/old/… is not in the store")


def unreachable(_):
    raise Transient("the store failed")


def test_a_version_to_compare_with_has_to_be_there():
    with pytest.raises(InvalidInput, match=r"^spec\.checks\[0\]\.distribution: .* is not in the store"):
        plan({"column": "number", "distribution": PSI}, profile=gone)


def test_a_store_that_fails_is_no_fault_of_the_check():
    with pytest.raises(Transient):
        plan({"column": "number", "distribution": PSI}, profile=unreachable)


def test_a_version_to_compare_with_has_to_have_the_column():
    with pytest.raises(
        InvalidInput, match=r"^spec\.checks\[0\]\.column: .* has no column new; it has integer"
    ):
        plan({"column": "new", "distribution": PSI}, [DataColumn(name="new", type="Number")])


def test_a_version_to_compare_with_has_to_have_the_same_type():
    with pytest.raises(InvalidInput, match="has the type Integer here and Number in old sha256:000000000000"):
        plan({"column": "number", "distribution": PSI}, [DataColumn(name="number", type="Integer")])
