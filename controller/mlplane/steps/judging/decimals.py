"""Numbers as a person reads them: exact values, cut to few digits, never to the better side."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext

DIGITS = (4, 6, 9, 12)
"""Digits behind the point that are tried, the fewest first."""
LARGEST = Decimal(10) ** 17
"""Beyond it a number is shown as this one: more would not fit into a decimal string."""


def exact(value: float) -> Decimal:
    """A measured number as the decimal that it prints as: 0.95 is 0.95, not the double beside it."""
    return Decimal(repr(float(value)))


def floor(value: Decimal, digits: int = DIGITS[0]) -> str:
    """The decimal string with so many digits that is not more than the value."""
    return _cut(value, digits, ROUND_FLOOR)


def ceiling(value: Decimal, digits: int = DIGITS[0]) -> str:
    """The decimal string with so many digits that is not less than the value."""
    return _cut(value, digits, ROUND_CEILING)


def _cut(value: Decimal, digits: int, rounding: str) -> str:
    with localcontext(prec=60):
        bounded = max(-LARGEST, min(LARGEST, value))
        cut = bounded.quantize(Decimal(1).scaleb(-digits), rounding=rounding)
    return f"{abs(cut) if cut.is_zero() else cut:f}"
