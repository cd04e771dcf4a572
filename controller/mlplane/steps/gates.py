"""From counts to a verdict. Pure: exact fractions, and decimals only for people."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

from mlplane.api.evaluation import Gate, GateResult

DIGITS = Decimal("0.0001")


def accuracy(confusion: Sequence[Sequence[int]]) -> Fraction:
    """The share of right answers; ``confusion[label][answer]`` counts rows, and there is at least one."""
    right = sum(row[index] for index, row in enumerate(confusion))
    return Fraction(right, sum(map(sum, confusion)))


def decimal_string(value: Fraction) -> str:
    """Four digits, rounded down: a number that missed a gate never looks as if it had met it."""
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(DIGITS, rounding=ROUND_DOWN))


def judge(gates: Sequence[Gate], metrics: dict[str, Fraction]) -> tuple[GateResult, ...]:
    """Each gate with what was measured; the exact value is compared, not the printed one."""
    return tuple(
        GateResult(
            metric=gate.metric,
            min=gate.min,
            value=decimal_string(metrics[gate.metric]),
            verdict="Passed" if metrics[gate.metric] >= Fraction(gate.min) else "Failed",
        )
        for gate in gates
    )
