"""What an evaluator gives is looked at before it counts."""

import pytest

from mlplane.errors import InvalidInput
from mlplane.steps.evaluator import checked


def test_numbers_under_names_of_their_own_are_taken():
    given = {"": {"cost": 1.5}, "austria": {}}
    assert checked(given, "judge.py") == given


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"cost": float("nan")}, "nan as 'cost'; it must be a finite number: leave out what is not defined"),
        ({"cost": float("-inf")}, "-inf as 'cost'; it must be a finite number"),
        ({"cost": "str"}, "a str as 'cost'; it must be a number"),
        ({"accuracy": 1.0}, "a metric 'accuracy', which is one of mlplane's own; choose another name"),
        ({"rmse": 1.0}, "a metric 'rmse', which is one of mlplane's own"),
        ({"the cost": 1.0}, "the name 'the cost'; a metric's name has letters, digits and _ only"),
        ({"x" * 64: 1.0}, "the name 'xxx"),
        ({f"m{i}": 1.0 for i in range(65)}, "65 metrics; at most 64 are taken"),
    ],
)
@pytest.mark.parametrize(("part", "where"), [("", "all records"), ("austria", "slice 'austria'")])
def test_what_is_no_metric_is_told(metrics, message, part, where):
    with pytest.raises(InvalidInput) as caught:
        checked({part: metrics}, "judge.py")
    assert str(caught.value).startswith(f"evaluator judge.py gave, on {where}, {message}")
