"""Which records belong to a slice, and which slices there cannot be."""

import numpy as np
import pytest

from mlplane.api.dataset import DataColumn
from mlplane.api.judgement import Slice
from mlplane.errors import InvalidInput
from mlplane.steps.judging.slices import check_slice, members

COLUMNS = {
    "age": DataColumn(name="age", type="Integer"),
    "weight": DataColumn(name="weight", type="Number"),
    "country": DataColumn(name="country", type="String"),
    "member": DataColumn(name="member", type="Boolean"),
    "seen": DataColumn(name="seen", type="Timestamp"),
    "pixels": DataColumn(name="pixels", type="Number", width=4),
}


@pytest.mark.parametrize(
    ("column", "values", "chosen", "wanted"),
    [
        ("age", np.array([17, 18, 64, 65]), {"min": "18", "below": "65"}, [0, 1, 1, 0]),
        ("age", np.array([17, 18, 64, 65]), {"min": "18"}, [0, 1, 1, 1]),
        ("age", np.array([17, 18, 64, 65]), {"below": "17.5"}, [1, 0, 0, 0]),
        ("age", np.array([17, 18]), {"values": ["18", "99"]}, [0, 1]),
        ("age", np.array([17, np.nan], dtype="f4"), {"below": "99"}, [1, 0]),
        ("weight", np.array([0.1, 0.2, np.nan], dtype="f4"), {"min": "0.1"}, [1, 1, 0]),
        ("weight", np.array([0.1, 0.2, np.nan], dtype="f4"), {"values": ["0.1"]}, [1, 0, 0]),
        ("country", np.array(["DE", None, "de", ""], dtype=object), {"values": ["DE", ""]}, [1, 0, 0, 1]),
        ("member", np.array([True, False]), {"values": ["true"]}, [1, 0]),
    ],
)
def test_a_record_belongs_to_a_slice_by_its_value(column, values, chosen, wanted):
    part = Slice(name="some", column=column, **chosen)
    check_slice(part, list(COLUMNS.values()))
    assert members(part, COLUMNS[column], values).tolist() == [bool(w) for w in wanted]


@pytest.mark.parametrize(
    ("column", "chosen", "message"),
    [
        ("height", {"min": "1"}, "column 'height' is not in the dataset: it has age, weight"),
        ("pixels", {"min": "1"}, "must hold single values"),
        ("seen", {"values": ["2026-01-01"]}, "single values of the types Integer, Number, String, Boolean"),
        ("country", {"min": "1"}, "is of the type String: min and below are for numbers; use values"),
        ("age", {"values": [str(2**63)]}, "has values of the type Integer: use whole numbers"),
        ("age", {"values": ["18", "old"]}, "has values of the type Integer: use whole numbers"),
        ("member", {"values": ["yes"]}, "use true and false"),
    ],
)
def test_what_a_column_cannot_tell_is_refused(column, chosen, message):
    with pytest.raises(InvalidInput, match=f"slice 'some'.*{message}"):
        check_slice(Slice(name="some", column=column, **chosen), list(COLUMNS.values()))
