from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplane.api.evaluation import Gate
from mlplane.steps.gates import accuracy, decimal_string, judge


@pytest.mark.parametrize(
    ("right", "rows", "minimum", "shown", "verdict"),
    [
        (95, 100, "0.95", "0.9500", "Passed"),
        (94999, 100000, "0.95", "0.9499", "Failed"),
        (1, 3, "0.3333", "0.3333", "Passed"),
        (1, 3, "0.33334", "0.3333", "Failed"),
        (2, 3, "0.6667", "0.6666", "Failed"),
        (0, 5, "0", "0.0000", "Passed"),
        (5, 5, "1", "1.0000", "Passed"),
        (5, 5, "1.1", "1.0000", "Failed"),
    ],
)
def test_a_gate_compares_the_exact_value_and_shows_it_rounded_down(right, rows, minimum, shown, verdict):
    value = accuracy([[right, rows - right], [0, 0]])
    (result,) = judge([Gate(metric="accuracy", min=minimum)], {"accuracy": value})
    assert (result.value, result.verdict) == (shown, verdict)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_what_is_shown_is_never_more_than_what_was_measured(right, rows):
    value = Fraction(min(right, rows), rows)
    assert 0 <= value - Fraction(decimal_string(value)) < Fraction(1, 10_000)
