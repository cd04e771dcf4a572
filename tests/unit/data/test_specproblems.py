import pytest

from mlplane.data.specproblems import problems, require_sound
from mlplane.errors import InvalidInput
from rawdata import spec_of

COLUMNS = [
    {"name": "id", "type": "Integer"},
    {"name": "at", "type": "Timestamp"},
    {"name": "maybe", "type": "Timestamp", "nulls": "Allowed"},
    {"name": "kind", "type": "String"},
    {"name": "ok", "type": "Boolean"},
    {"name": "v", "type": "Number", "width": 2},
]
TIME = {"method": "Time", "column": "at"}


def fields(**spec):
    return [(p.field, p.sentence) for p in problems(spec_of(COLUMNS, **spec))]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"splitBy": {"method": "Hash", "column": "v"}},
        {"splitBy": TIME, "splits": [{"name": "a", "until": "2024-01-01"}, {"name": "b"}]},
        {
            "splitBy": {"method": "Column", "column": "ok"},
            "splits": [{"name": "a", "values": ["true"]}, {"name": "b", "values": ["false"]}],
        },
    ],
)
def test_a_sound_spec_has_no_problem(spec):
    assert fields(**spec) == []


@pytest.mark.parametrize(
    ("by", "splits", "field", "sentence"),
    [
        (
            {"method": "Hash", "column": "user"},
            None,
            "spec.splitBy.column",
            "found 'user', which is no column; allowed: id, at, maybe, kind, ok, v",
        ),
        ({"method": "Hash"}, [{"name": "a"}], "spec.splits[0].percent", "must be set"),
        ({"method": "Time"}, [{"name": "a"}], "spec.splitBy.column", "must be set for the method Time"),
        (
            {"method": "Time", "column": "kind"},
            [{"name": "a"}],
            "spec.splitBy.column",
            "kind is String; the method Time takes Timestamp",
        ),
        (
            {"method": "Column", "column": "v"},
            [{"name": "a"}],
            "spec.splitBy.column",
            "v is a vector of Number; the method Column takes String or Integer or Boolean",
        ),
        (
            {"method": "Time", "column": "maybe"},
            [{"name": "a"}],
            "spec.splitBy.column",
            "values of maybe may be missing",
        ),
        (
            TIME,
            [{"name": "a"}, {"name": "b"}],
            "spec.splits[0].until",
            "must be set for each split but the last",
        ),
        (
            TIME,
            [{"name": "a", "until": "2024-01-01"}],
            "spec.splits[0].until",
            "must not be set for the last",
        ),
        (
            TIME,
            [{"name": "a", "until": "2024-02-30"}, {"name": "b"}],
            "spec.splits[0].until",
            "found 2024-02-30, which is no day of the calendar",
        ),
        (
            TIME,
            [
                {"name": "a", "until": "2024-02-01"},
                {"name": "b", "until": "2024-02-01T00:00:00Z"},
                {"name": "c"},
            ],
            "spec.splits[1].until",
            "which is not after that of the split before",
        ),
        (
            {"method": "Column", "column": "kind"},
            [{"name": "a"}, {"name": "b", "values": ["x"]}],
            "spec.splits[0].values",
            "must be set for each split but the last",
        ),
        (
            {"method": "Column", "column": "kind"},
            [{"name": "a", "values": ["x"]}, {"name": "b", "values": ["y", "x"]}],
            "spec.splits[1].values[1]",
            "found 'x', which split a takes already",
        ),
        (
            {"method": "Column", "column": "id"},
            [{"name": "a", "values": ["07"]}, {"name": "b"}],
            "spec.splits[0].values[0]",
            "found '07', which no Integer is written like",
        ),
    ],
)
def test_a_problem_is_told_with_its_field(by, splits, field, sentence):
    spec = {"splitBy": by} | ({"splits": splits} if splits else {})
    ((found_field, found_sentence),) = fields(**spec)
    assert found_field == field
    assert sentence in found_sentence


def test_a_check_that_fits_no_column_is_a_problem_too_and_all_are_told_at_once():
    check = {"name": "new", "column": "age", "range": {"min": "1"}}
    spec = spec_of(COLUMNS, checks=[check], splitBy={"method": "Hash", "column": "user"})
    with pytest.raises(
        InvalidInput, match=r"^spec.splitBy.column: found 'user'.*; spec.checks\[0\].column: "
    ):
        require_sound(spec)


def test_the_columns_that_a_format_implies_are_known():
    by = {"method": "Hash", "column": "label"}
    assert problems(spec_of(format="ImageFolder", splitBy=by)) == []
