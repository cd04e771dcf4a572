"""Kubernetes quantities such as ``500m`` and ``1Gi``. Pure; used by the adapters and the local plane."""

import re
from fractions import Fraction

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d{1,3}))?")
_DECIMAL = {"n": -3, "u": -2, "m": -1, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def is_quantity(text: str) -> bool:
    """Whether a text is a quantity."""
    return _QUANTITY.fullmatch(text) is not None


def quantity(text: str) -> Fraction:
    """The amount, in units of its resource (cores, bytes). Raises ValueError if it is none."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        message = f"{text!r} is no quantity such as 500m, 2 or 1Gi"
        raise ValueError(message)
    number, binary, decimal, exponent = found.groups()
    if binary:
        return Fraction(number) * Fraction(1 << 10 * ("KMGTPE".index(binary[0]) + 1))
    if decimal:
        return Fraction(f"{number}e{3 * _DECIMAL[decimal]}")
    return Fraction(f"{number}e{exponent or 0}")
