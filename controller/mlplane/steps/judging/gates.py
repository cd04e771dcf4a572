"""From measured values to verdicts. Pure: values are compared as exact decimals.

What is printed gives the same verdict as what was measured: a number is cut to the side where it would rather
miss a bound, and has as many digits as it takes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from mlplane.api.judgement import Gate, GateResult, Interval, Verdict
from mlplane.steps.judging.decimals import DIGITS, ceiling, exact, floor

_SEVERITY: dict[Verdict, int] = {"Passed": 0, "Inconclusive": 1, "Failed": 2}
_LOWER = {"min": "value", "min_change": "change", "min_relative_change": "relative"}
_UPPER = {"max": "value", "max_change": "change", "max_relative_change": "relative"}


@dataclass(frozen=True)
class Measured:
    """A metric on a part of the records."""

    rows: int
    value: float | None
    """None where it is not defined, as for a ranking of a single class."""
    interval: tuple[float, float] | None = None
    baseline: float | None = None
    """The same of the baseline, on the same records."""


class _Values(NamedTuple):
    """What bounds are held against."""

    value: Decimal
    baseline: Decimal | None


def judge(gate: Gate, measured: Measured, *, min_samples: int, compared: bool) -> GateResult:
    """Hold a metric against a gate.

    Args:
        gate: The gate.
        measured: What was measured where the gate looks.
        min_samples: On fewer records there is no verdict.
        compared: Whether there is a baseline; without one, bounds of a change are met.
    """
    if measured.value is None:
        reason = _too_few(measured, min_samples) or "the metric is not defined on these records"
        return GateResult(gate=gate, rows=measured.rows, verdict="Inconclusive", reason=reason)
    baseline = measured.baseline if compared and changes(gate) else None
    values = _Values(exact(measured.value), None if baseline is None else exact(baseline))
    verdict: Verdict = "Failed" if _missed(gate, values) else "Passed"
    reason = _too_few(measured, min_samples)
    if not reason and compared and verdict == "Passed":
        reason = _no_change(gate, values.baseline)
    value, before, digits = _printed(gate, values)
    return GateResult(
        gate=gate,
        verdict="Inconclusive" if reason else verdict,
        rows=measured.rows,
        value=value,
        interval=_interval(measured.interval, digits),
        baseline=before,
        reason=reason or None,
    )


def overall(results: Iterable[GateResult]) -> Verdict:
    """Failed if a gate that counts failed, else Inconclusive if one is, else Passed."""
    counting = [result.verdict for result in results if result.gate.severity != "Warning"]
    return max(counting, key=_SEVERITY.__getitem__, default="Passed")


def changes(gate: Gate) -> bool:
    """Whether a gate looks at the difference from a baseline."""
    return any(kind != "value" for _, kind, _ in _bounds(gate))


def _too_few(measured: Measured, least: int) -> str:
    return f"{measured.rows} records are fewer than minSamples, {least}" if measured.rows < least else ""


def _no_change(gate: Gate, baseline: Decimal | None) -> str:
    """Why a change cannot be told, where a gate asks for one."""
    kinds = {kind for _, kind, _ in _bounds(gate)}
    if baseline is None:
        return "the baseline has no value on these records" if kinds != {"value"} else ""
    return "the baseline is 0: there is no relative change" if "relative" in kinds and not baseline else ""


def _bounds(gate: Gate) -> list[tuple[int, str, Fraction]]:
    """The bounds of a gate as (1 for a smallest value or -1 for a largest, what it bounds, the bound)."""
    given = gate.model_dump(include={*_LOWER, *_UPPER}, exclude_none=True)
    return [
        (1, _LOWER[name], Fraction(bound)) if name in _LOWER else (-1, _UPPER[name], Fraction(bound))
        for name, bound in given.items()
    ]


def _missed(gate: Gate, values: _Values) -> list[int]:
    """The sides of the bounds that are missed; a bound of what is not known is none of them."""
    found = {"value": Fraction(values.value)}
    if values.baseline is not None:
        found["change"] = found["value"] - Fraction(values.baseline)
    if values.baseline:
        found["relative"] = found["change"] / abs(Fraction(values.baseline))
    return [side for side, kind, bound in _bounds(gate) if kind in found and side * (found[kind] - bound) < 0]


def _printed(gate: Gate, values: _Values) -> tuple[str, str | None, int]:
    """Value and baseline as decimal strings, and the digits behind their points."""
    missed = _missed(gate, values)
    down = 1 in missed or (-1 not in missed and any(side == 1 for side, _, _ in _bounds(gate)))
    of_value, of_baseline = (floor, ceiling) if down else (ceiling, floor)
    for digits in DIGITS:
        value = of_value(values.value, digits)
        baseline = None if values.baseline is None else of_baseline(values.baseline, digits)
        shown = _Values(Decimal(value), None if baseline is None else Decimal(baseline))
        if bool(_missed(gate, shown)) == bool(missed):
            break
    return value, baseline, digits


def _interval(ends: tuple[float, float] | None, digits: int) -> Interval | None:
    if ends is None:
        return None
    return Interval(low=floor(exact(ends[0]), digits), high=ceiling(exact(ends[1]), digits))
